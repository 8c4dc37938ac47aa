import assert from "node:assert/strict";
import { join } from "node:path";
import { isAlive } from "../serve/launchers.ts";
import { waitUntil } from "../../tests/support/wait.ts";
import { StartupError } from "../core/errors.ts";
import { CommandFailed, lines, run, spawn } from "./child.ts";
import { candidates, findPython, isNewEnough, parseVersion, pythonCommand } from "./python.ts";

const never = new AbortController().signal;

Deno.test("a version is read from what interpreters print", () => {
  assert.equal(parseVersion("Python 3.12.4"), "3.12.4");
  assert.equal(parseVersion("some banner\nPython 3.9.18\n"), "3.9.18");
  assert.equal(parseVersion("command not found"), undefined);
});

Deno.test("versions compare as numbers", () => {
  for (const version of ["3.10.0", "3.11.7", "3.14.0", "4.0.0"]) {
    assert(isNewEnough(version, "3.10"), version);
  }
  for (const version of ["2.7.18", "3.9.18", "3.1.9"]) assert(!isNewEnough(version, "3.10"), version);
});

Deno.test("the setting is the only candidate, and Windows asks its launcher first", () => {
  assert.deepEqual(candidates("/opt/python", "linux"), [["/opt/python"]]);
  assert.deepEqual(candidates("auto", "linux")[0], ["python3"]);
  assert.deepEqual(candidates("auto", "windows")[0], ["py", "-3"]);
});

Deno.test("a PYTHON that does not run is named", async () => {
  await assert.rejects(findPython("/no/such/python", "3.10", never), (error) => {
    assert(error instanceof StartupError);
    assert.match(error.message, /PYTHON must be .* got "\/no\/such\/python"/);
    return true;
  });
});

Deno.test("a module's output and failure come through", async () => {
  const { program } = await findPython("auto", "3.10", never);
  const output = await run(pythonCommand(program, "platform", []), { signal: never });
  assert.equal(output.length, 1);
  await assert.rejects(run(pythonCommand(program, "no_such_module", []), { signal: never }), (error) => {
    assert(error instanceof CommandFailed);
    assert.match(error.lastLines.join("\n"), /no_such_module/);
    return true;
  });
});

Deno.test({
  name: "Python and what it started end when its stdin closes, as it does when we are killed",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { program } = await findPython("auto", "3.10", never);
    const folder = await Deno.makeTempDir();
    const file = join(folder, "waits.py");
    await Deno.writeTextFile(
      file,
      "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\nprint(child.pid, flush=True)\nchild.wait()\n",
    );
    const child = spawn(pythonCommand(program, file, []));
    const output = lines(child.stdout);
    const started = Number((await output.next()).value);
    assert.ok(isAlive(started));
    await child.stdin.close();
    assert.equal((await child.status).success, false);
    await waitUntil("its child has ended", () => !isAlive(started));
    await output.return(undefined);
    await child.stderr.cancel();
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("a program that runs is ended by the signal", async () => {
  const { program } = await findPython("auto", "3.10", never);
  const stop = new AbortController();
  const started = performance.now();
  const running = run({ program, args: ["-u", "-c", "import time; print('on'); time.sleep(60)"] }, {
    signal: stop.signal,
    onLine: () => stop.abort(),
  });
  await assert.rejects(running, { name: "AbortError" });
  assert(performance.now() - started < 10_000);
});
