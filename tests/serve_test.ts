/** `serve` as a newcomer meets it: real processes, real ports, real signals. */
import assert from "node:assert/strict";
import { SETTING_NAMES } from "../src/config/config.ts";
import { isAlive } from "../src/serve/launchers.ts";
import { hasCommand } from "./support/commands.ts";
import { ScriptedWorker } from "./support/engine.ts";
import { fakePython } from "./support/fake_python.ts";
import { TestProcess } from "./support/process.ts";
import { freePort } from "../src/serve/free_port.ts";
import { copyOfRepository, ROOT, runShellLine, Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { pause, waitUntil } from "./support/wait.ts";

const UNIX = Deno.build.os !== "windows";

function serveTest(name: string, fn: () => Promise<void>, ignore = false): void {
  // grpc-js keeps timers and sockets for a moment after a close.
  Deno.test({ name, fn, ignore, sanitizeOps: false, sanitizeResources: false });
}

async function ended(pids: readonly number[]): Promise<void> {
  await waitUntil(`processes ${pids} have ended`, () => !pids.some(isAlive));
}

serveTest("--help prints each setting and ends", async () => {
  await using serve = new Serve({ flags: ["--help"] });
  assert.equal((await serve.exit()).code, 0);
  for (const name of SETTING_NAMES) assert.match(serve.stdout.join("\n"), new RegExp(`\\(${name}, default `));
});

serveTest("each wrong setting gets a line, and the exit code is 2", async () => {
  await using serve = new Serve({
    flags: ["--engine-mode", "fast", "--turbo"],
    env: { QUEUE_CAPACITY: "0" },
  });
  assert.equal((await serve.exit()).code, 2);
  const lines = serve.stderr.join("\n");
  assert.equal(serve.stderr.length, 3, lines);
  assert.match(lines, /^--turbo is no flag of serve/m);
  assert.match(lines, /^ENGINE_MODE must be one of direct, queued, micro_batch, continuous, got "fast"$/m);
  assert.match(lines, /^QUEUE_CAPACITY must be a whole number from 1 to 1000000, got "0"$/m);
});

serveTest("a taken port ends the start before any set-up", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using copy = await copyOfRepository();
  await using serve = new Serve({ root: copy.root, env: { BIND_PORT: String(taken.addr.port) } });
  assert.equal((await serve.exit()).code, 2);
  assert.match(serve.stderr.join("\n"), new RegExp(`BIND_PORT.*${taken.addr.port}`));
  assert.doesNotMatch(serve.stderr.join("\n"), /environment/);
});

serveTest("the engine can't be its own worker", async () => {
  const port = String(freePort());
  await using serve = new Serve({ env: { BIND_PORT: port, WORKER_ENDPOINT: `127.0.0.1:${port}` } });
  assert.equal((await serve.exit()).code, 2);
  assert.match(serve.stderr.join("\n"), /^WORKER_ENDPOINT must not be the engine's own address/m);
});

serveTest("what listens at the worker's port and is no worker is an error", async () => {
  await using web = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("hello"),
  );
  await using serve = new Serve({
    env: { WORKER_PORT: String(web.addr.port) },
  });
  assert.equal((await serve.exit()).code, 2);
  assert.match(
    serve.stderr.join("\n"),
    /^WORKER_PORT must be the port of a worker or a free one, got \d+: /m,
  );
});

serveTest("a worker that is already there is used", async () => {
  await using worker = new ScriptedWorker();
  const address = await worker.address();
  await using serve = new Serve({ env: { WORKER_PORT: address.split(":")[1]! } });
  await serve.address();
  assert.match(
    serve.stdout.join("\n"),
    new RegExp(`${address}, which was already running; serve started none; it does not say`),
  );
  assert.equal((await serve.ask()).responseText, "echo:hello");
});

serveTest("a worker that is already there and is not what was asked for by name ends the start", async () => {
  await using worker = await SimWorker.start({ profile: "null" });
  const there = { WORKER_PORT: worker.address.split(":")[1]! };
  const asked = { WORKER_BACKEND: "openvino", MODEL_ID: "smollm2-135m", SIM_PROFILE: "a40" };
  await using other = new Serve({ env: { ...there, ...asked } });
  assert.equal((await other.exit(60_000)).code, 2);
  assert.deepEqual(
    other.stderr.map((line) => line.replace(/: end that worker.*/, "")),
    ["WORKER_BACKEND|sim|openvino", "SIM_PROFILE|null|a40", "MODEL_ID|null|smollm2-135m"].map((words) => {
      const [setting, is, was] = words.split("|");
      return `${setting} must be "${is}", as of the worker that already answers at ${worker.address} ` +
        `(sim, null, simulated), got "${was}"`;
    }),
  );
  await using same = new Serve({ env: { ...there, MODEL_ID: "of no use to a simulator" } });
  await same.address();
  assert.match(
    same.stdout.join("\n"),
    /Its worker: sim, null, simulated, at \S+, which was already running;.* No model/,
  );
  await using none = new Serve({ flags: ["--worker-backend", "auto"], env: { ...there, SIM_PROFILE: "" } });
  await none.address();
  // Who names the endpoint has chosen that worker; what has no use is said.
  await using endpoint = new Serve({ env: { ...asked, WORKER_ENDPOINT: worker.address } });
  await endpoint.waitFor(/WORKER_BACKEND openvino is not used: .* has sim/, 30_000, endpoint.stderr);
});

serveTest("when the worker that was there is gone for good, serve starts its own", async () => {
  await using found = await SimWorker.start({ profile: "null" });
  const port = found.address.split(":")[1]!;
  await using serve = new Serve({ env: { WORKER_PORT: port, WORKER_WAIT_MS: "3000" } });
  await serve.answers();
  found.kill("SIGKILL");
  await serve.waitFor(
    /nothing has listened at \S+ for \d+ ms: serve starts a worker of its own/,
    30_000,
    serve.stderr,
  );
  await serve.waitFor(/the worker runs as process/, 300_000, serve.stderr);
  await serve.answers();
  const own = serve.workerPid();
  serve.kill("SIGTERM");
  assert.equal((await serve.exit()).code, 0);
  await ended([own]);
}, !UNIX);

serveTest("a given worker that comes later is used then, and none is started", async () => {
  const port = freePort();
  await using serve = new Serve({ flags: ["--worker-endpoint", `http://127.0.0.1:${port}`] });
  await serve.address();
  assert.match(serve.stdout.join("\n"), /does not serve yet/);
  assert.equal((await serve.ask()).status, "worker_unavailable");
  await using worker = new ScriptedWorker(port);
  await worker.address();
  await serve.answers();
  assert.doesNotMatch(serve.stderr.join("\n"), /starting the worker/);
});

serveTest("with nothing there it starts a worker; the second start sets nothing up", async () => {
  {
    await using first = new Serve();
    await first.address();
  }
  await using serve = new Serve();
  const reply = await serve.ask();
  assert.equal(reply.status, "ok");
  assert.equal(reply.outputTokens, 8);
  assert.doesNotMatch(serve.stderr.join("\n"), /environment|packages/);
  assert.match(serve.stdout.join("\n"), /Its worker: sim, null, .*simulated/);
});

serveTest("a proxy for the web does not stand between engine and worker", async () => {
  const nobody = `http://127.0.0.1:${freePort()}`;
  await using serve = new Serve({ env: { http_proxy: nobody, https_proxy: nobody, no_proxy: "" } });
  await serve.address();
  await serve.waitFor(/Ctrl-C ends/);
  assert.doesNotMatch(serve.stderr.join("\n"), /proxy/);
}, !UNIX);

serveTest("the printed grpcurl lines work as pasted", async () => {
  await using serve = new Serve();
  await serve.address();
  await serve.waitFor(/Ctrl-C ends/);
  const pasted = serve.stdout.filter((line) => line.trim().startsWith("grpcurl"));
  assert.equal(pasted.length, 2, serve.output());
  for (const line of pasted) {
    const reply = JSON.parse(await runShellLine(line));
    assert.equal(reply.status, "ok");
    assert.equal(reply.outputTokens ?? reply.output_tokens, 64);
  }
  const services = await runShellLine(`grpcurl -plaintext ${await serve.address()} list`);
  assert.deepEqual(services.trim().split("\n"), ["grpc.health.v1.Health", "omnispan.Engine"]);
}, !(UNIX && hasCommand("grpcurl")));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  serveTest(`${signal} ends engine and worker with exit code 0`, async () => {
    await using serve = new Serve();
    await serve.answers();
    const worker = serve.workerPid();
    assert.ok(isAlive(worker));
    serve.kill(signal);
    assert.equal((await serve.exit()).code, 0);
    await ended([worker]);
  }, !UNIX);
}

serveTest("a second signal ends at once what does not end by itself", async () => {
  await using serve = new Serve();
  await serve.answers();
  const worker = serve.workerPid();
  Deno.kill(worker, "SIGSTOP");
  serve.kill("SIGINT");
  await serve.waitFor(/stopping; Ctrl-C once more ends at once/, 60_000, serve.stderr);
  await pause(800);
  assert.ok(isAlive(worker));
  serve.kill("SIGINT");
  assert.equal((await serve.exit(3000)).code, 130);
  await ended([worker]);
}, !UNIX);

serveTest("SIGTERM during the set-up ends pip too, and the next start does it anew", async () => {
  await using copy = await copyOfRepository();
  const python = await fakePython(copy.root);
  await python.setMode("hang");
  const options = { root: copy.root, env: { PYTHON: python.path } };
  await using serve = new Serve(options);
  await waitUntil("pip runs", async () => await python.hanging() !== undefined);
  serve.kill("SIGTERM");
  assert.equal((await serve.exit()).code, 0);
  await ended(await python.hanging() ?? []);

  await python.setMode("fail");
  await using next = new Serve(options);
  assert.equal((await next.exit()).code, 1);
  assert.deepEqual(await python.calls(), ["venv", "pip", "venv", "pip"]);
  assert.match(next.stderr.join("\n"), /No matching distribution found for nothing==1/);
}, !UNIX);

serveTest("a worker that refuses a setting ends the start with exit code 2", async () => {
  await using serve = new Serve({ env: { VLLM_DTYPE: "float7" } });
  assert.equal((await serve.exit(300_000)).code, 2);
  assert.match(serve.stderr.join("\n"), /VLLM_DTYPE must be one of .*"float7"/);
});

serveTest("SIGKILL of the engine leaves no worker", async () => {
  await using serve = new Serve();
  await serve.answers();
  const worker = serve.workerPid();
  serve.kill("SIGKILL");
  await ended([worker]);
}, !UNIX);

serveTest("a worker that dies is reported and started again, and the engine goes on", async () => {
  await using serve = new Serve();
  await serve.answers();
  const first = serve.workerPid();
  Deno.kill(first, "SIGKILL");
  await serve.waitFor(/the worker ended with .*SIGKILL/, 60_000, serve.stderr);
  assert.equal((await serve.ask()).status, "ok", "what comes meanwhile waits for the next one");
  await serve.waitFor(/the worker serves again/, 60_000, serve.stderr);
  await serve.answers();
  assert.notEqual(serve.workerPid(), first);
  const second = serve.workerPid();
  serve.kill("SIGTERM");
  assert.equal((await serve.exit()).code, 0);
  await ended([first, second]);
}, !UNIX);

serveTest("with JSON logs each line of stderr is a JSON record", async () => {
  await using serve = new Serve({ env: { LOG_FORMAT: "json" } });
  await serve.answers();
  await assert.rejects(
    serve.ask("hello", "x".repeat(100_000)),
    /request_id must be at most 256 bytes of UTF-8/,
  );
  await serve.waitFor(/requests refused: 1, .*request_id must be/, 10_000, serve.stderr);
  serve.kill("SIGTERM");
  assert.equal((await serve.exit()).code, 0);
  assert.match(serve.stderr.join("\n"), /request_id must be.*\n.*stopping/);
  for (const line of serve.stderr) {
    assert.equal(typeof JSON.parse(line).message, "string", line);
    assert.ok(line.length < 2000, "nobody fills the log with an id");
  }
});

serveTest("it serves and ends well also when nobody reads its output", async () => {
  const endpoint = `127.0.0.1:${freePort()}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "src/main.ts", "--bind-port", "0", "--worker-endpoint", endpoint],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stderr.cancel();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (text.includes("Ctrl-C ends")) break;
  }
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0);
}, !UNIX);

serveTest("SIGTERM to deno task ends all that it started", async () => {
  await using serve = new Serve({ task: true });
  await serve.answers();
  const worker = serve.workerPid();
  serve.kill("SIGTERM");
  await serve.exit();
  await ended([worker]);
}, !UNIX);

serveTest("the engine does not outlive the deno task that was killed", async () => {
  await using serve = new Serve({ task: true });
  await serve.answers();
  const worker = serve.workerPid();
  serve.kill("SIGKILL");
  await serve.waitFor(/stopping \(the command that started serve has ended\)/, 60_000, serve.stderr);
  await ended([worker]);
}, !UNIX);

const LAUNCHERS = {
  "npx": ["npx", "-y", `deno@${Deno.version.deno}`],
  "deno task": [Deno.execPath()],
} as const;

for (const [name, [program, ...args]] of Object.entries(LAUNCHERS)) {
  serveTest(`${name} that is killed before serve has begun leaves nothing behind`, async () => {
    await using launcher = new TestProcess(program, {
      args: [...args, "task", "serve"],
      cwd: ROOT,
      env: { NO_COLOR: "1", BIND_PORT: "0", HTTP_PORT: "0", WORKER_BACKEND: "sim", WORKER_PORT: "0" },
    });
    const started = () => descendants(launcher.pid);
    try {
      await waitUntil("src/main.ts is run", () => started().some(runsMain), 120_000);
      const pids = started();
      using _end = { [Symbol.dispose]: () => pids.forEach(endIt) };
      launcher.kill("SIGKILL");
      await ended(pids);
    } catch (thrown) {
      started().forEach(endIt);
      throw thrown;
    }
    assert.match(launcher.stderr.join("\n"), /stopping \(the command that started serve has ended\)/);
    assert.doesNotMatch(launcher.output(), /environment|Omnispan serves/);
  }, Deno.build.os !== "linux" || (name === "npx" && !hasCommand(name)));
}

/** The processes below one, on Linux. */
function descendants(pid: number): number[] {
  try {
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean)
      .map(Number);
    return children.flatMap((child) => [child, ...descendants(child)]);
  } catch {
    return []; // it has ended
  }
}

function runsMain(pid: number): boolean {
  try {
    return /\brun\b.*src\/main\.ts/.test(Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " "));
  } catch {
    return false;
  }
}

function endIt(pid: number): void {
  if (isAlive(pid)) Deno.kill(pid, "SIGKILL");
}
