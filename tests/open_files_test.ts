/** `serve` where few files may be open, or none any more. */
import assert from "node:assert/strict";
import { within } from "../src/clock.ts";
import { hasCommand } from "./support/commands.ts";
import { Serve } from "./support/serve.ts";
import { pause, waitUntil } from "./support/wait.ts";

/** Opens that many connections to host:port; some may be closed at once by the engine. */
async function flood(address: string, count: number): Promise<Disposable> {
  const open: Deno.Conn[] = [];
  for (let i = 0; i < count; i++) open.push(await connectTo(address));
  return {
    [Symbol.dispose]() {
      for (const connection of open) connection.close();
    },
  };
}

function connectTo(address: string): Promise<Deno.Conn> {
  const [hostname = "", port] = address.split(":");
  return Deno.connect({ hostname, port: Number(port) });
}

/** Whether a new connection to the HTTP port is answered soon. */
function answersHttp(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`, { headers: { connection: "close" }, signal: AbortSignal.timeout(1000) })
    .then(async (response) => await response.text() === "ok\n", () => false);
}

async function answersGrpc(serve: Serve): Promise<boolean> {
  return await within(3000, serve.ask().then(({ status }) => status === "ok", () => false)) ?? false;
}

Deno.test({
  name: "connections beyond what the limit of open files allows are closed, and both ports go on",
  ignore: Deno.build.os === "windows",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using serve = await Serve.answering({ openFiles: 160, task: true });
    const [, most] = await serve.waitFor(
      /MAX_CONNECTIONS must be at most (\d+) where 160 files/,
      1000,
      serve.stderr,
    );
    assert.equal(most, "50");
    const [address, url] = [await serve.address(), await serve.httpUrl()];
    {
      using _grpc = await flood(address, 200);
      using _http = await flood(url.slice("http://".length), 200);
      await pause(2500); // its launchers are looked at once a second
    }
    await waitUntil("HTTP answers", () => answersHttp(url), 60_000);
    await waitUntil("gRPC answers", () => answersGrpc(serve), 60_000);
    assert.doesNotMatch(serve.output(), /stopping/);
  },
});

Deno.test({
  name: "a port that accepts nothing any more, for there were no file descriptors, listens anew",
  ignore: Deno.build.os !== "linux" || !await hasCommand("prlimit"),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using serve = await Serve.answering({});
    const [address, url] = [await serve.address(), await serve.httpUrl()];
    const limitTo = async (files: number) => {
      const { success } = await new Deno.Command("prlimit", {
        args: ["--pid", String(serve.pid), `--nofile=${files}:`],
      }).output();
      assert.ok(success);
    };
    const open = [...Deno.readDirSync(`/proc/${serve.pid}/fd`)].length;
    await limitTo(open - 5); // those that are open stay so
    {
      using _grpc = await flood(address, 3);
      using _http = await flood(url.slice("http://".length), 3);
      assert.equal(await answersHttp(url), false);
      assert.equal(await answersGrpc(serve), false);
    }
    await limitTo(1024);
    for (const setting of ["BIND_PORT", "HTTP_PORT"]) {
      const line = new RegExp(`\\(${setting}\\) accepted no connections any more, and listens anew`);
      await serve.waitFor(line, 60_000, serve.stderr);
    }
    assert.ok(await answersHttp(url));
    assert.equal((await serve.ask()).status, "ok");
    serve.kill("SIGTERM");
    assert.equal((await serve.exit()).code, 0);
  },
});
