import assert from "node:assert/strict";
import { LineWriter } from "./line_writer.ts";
import { lines } from "../supervisor/child.ts";

const UNIX = Deno.build.os !== "windows";
const MODULE = new URL("line_writer.ts", import.meta.url);

/** A pipe that another program has set to non-blocking, as Node does with its own; then what follows. */
const NON_BLOCKING = `
import fcntl, os, sys
fcntl.fcntl(2, fcntl.F_SETFL, fcntl.fcntl(2, fcntl.F_GETFL) | os.O_NONBLOCK)
os.execvp(sys.argv[1], sys.argv[1:])
`;
const LINES = 3000;

Deno.test({
  name: "lines come whole and in order through a pipe that was set to non-blocking and is full",
  ignore: !UNIX,
  async fn() {
    const script = `import { stderrLines } from ${JSON.stringify(MODULE.href)};
      for (let n = 0; n < ${LINES}; n++) stderrLines.write(String(n).padStart(99, "0") + "\\n");
      await stderrLines.flush(60_000);`;
    const child = new Deno.Command("python3", {
      args: ["-c", NON_BLOCKING, Deno.execPath(), "eval", "--ext=ts", script],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let next = 0;
    for await (const line of lines(child.stderr)) {
      assert.equal(Number(line), next++);
      if (next % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 50)); // it fills up again
    }
    assert.equal((await child.status).code, 0);
    assert.equal(next, LINES);
  },
});

Deno.test({
  name: "on a full disk nothing is thrown and nobody waits; with room again the count is written",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      using full = await Deno.open("/dev/full", { write: true });
      using room = await Deno.open(path, { write: true });
      let disk = full;
      const writer = new LineWriter({ write: (bytes) => disk.write(bytes) });
      writer.write("one\n");
      writer.write("two\n");
      const startedAt = performance.now();
      await writer.flush(50);
      assert.ok(performance.now() - startedAt < 1000);
      disk = room;
      writer.write("three\n");
      await writer.flush(10_000);
      writer.write("four\n");
      await writer.flush(10_000);
      assert.equal(await Deno.readTextFile(path), "3 lines were dropped here: nobody read them\nfour\n");
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test("lines that go on coming are written again after the count of the dropped ones", async () => {
  const written: string[] = [];
  const writer = new LineWriter({
    write(bytes) {
      written.push(...new TextDecoder().decode(bytes).trimEnd().split("\n"));
      if (written.length < 9) writer.write("more\n"); // so that a line always comes while another is written
      return Promise.resolve(bytes.length);
    },
  }, 20);
  for (let n = 0; n < 9; n++) writer.write(`line ${n}\n`);
  await writer.flush(10_000);
  const count = "8 lines were dropped here: nobody read them"; // seven of those, and the first of the others
  assert.deepEqual(written.slice(0, 5), ["line 0", "line 1", count, "more", "more"]);
});
