import assert from "node:assert/strict";
import { isAlive } from "../serve/launchers.ts";
import { waitUntil } from "../../tests/support/wait.ts";
import { parseListening, WorkerProcess } from "./worker_process.ts";

const UNIX = Deno.build.os !== "windows";

/** A shell script in the place of a worker. */
function shell(script: string, lines: string[] = []): WorkerProcess {
  return new WorkerProcess({ program: "sh", args: ["-c", script] }, (line) => void lines.push(line));
}

Deno.test("the line of a listening worker is read", () => {
  assert.deepEqual(
    parseListening("worker listening on 127.0.0.1:50071 backend=openvino model=smollm2-135m"),
    {
      address: "127.0.0.1:50071",
      backend: "openvino",
      model: "smollm2-135m",
      simulated: false,
    },
  );
  const spaces = parseListening("worker listening on [::1]:7 backend=sim model=/a path/b simulated");
  assert.equal(spaces?.model, "/a path/b");
  assert.equal(spaces?.simulated, true);
  assert.equal(parseListening("loading backend=sim model=a40"), undefined);
});

Deno.test({
  name: "the lines of a worker are passed on, and its end also ends what it started",
  ignore: !UNIX,
  async fn() {
    const lines: string[] = [];
    await using worker = shell("echo one; echo two >&2; sleep 60 & echo child $!; exit 3", lines);
    assert.equal((await worker.exited).code, 3);
    assert.deepEqual(lines.filter((line) => !line.startsWith("child")).toSorted(), ["one", "two"]);
    assert.equal(worker.lastLine, "two");
    const child = Number(lines.find((line) => line.startsWith("child"))?.split(" ")[1]);
    await waitUntil("the child of the worker has ended", () => !isAlive(child), 5000);
  },
});

Deno.test({
  name: "a worker that gets SIGTERM ends by itself, also when asked twice",
  ignore: !UNIX,
  async fn() {
    const worker = shell("trap 'exit 0' TERM; echo on; while :; do sleep 0.05; done");
    await Promise.all([worker[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
    const { code, signal } = await worker.exited;
    assert.ok(code === 0 || signal === "SIGTERM", `${code} ${signal}`);
  },
});

Deno.test({
  name: "a worker can be ended at once",
  ignore: !UNIX,
  async fn() {
    await using worker = shell("trap '' TERM INT; sleep 60; sleep 60");
    worker.kill();
    assert.equal((await worker.exited).signal, "SIGKILL");
  },
});
