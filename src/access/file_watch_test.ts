import assert from "node:assert/strict";
import { pause } from "../../tests/support/wait.ts";
import { FileWatch } from "./file_watch.ts";

/** The reports of a watch, in order, and a way to wait for the next one. */
class Recorder {
  readonly words: string[] = [];
  readonly events = {
    changed: (text: string) => void this.words.push(text),
    failed: (problem: string) => void this.words.push(`! ${problem}`),
  };

  async next(count: number): Promise<readonly string[]> {
    for (const end = Date.now() + 5000; this.words.length < count && Date.now() < end;) await pause(5);
    return this.words;
  }
}

async function watched(
  play: (folder: string, path: string, recorder: Recorder) => Promise<void>,
  link = false,
) {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/keys.json`;
    if (!link) await Deno.writeTextFile(path, "one");
    else {
      await Deno.mkdir(`${folder}/v1`);
      await Deno.writeTextFile(`${folder}/v1/keys.json`, "one");
      await Deno.symlink("v1", `${folder}/data`);
      await Deno.symlink("data/keys.json", path);
    }
    const recorder = new Recorder();
    await using watch = new FileWatch(path, 10, recorder.events);
    assert.equal(await watch.read(), "one");
    watch.start();
    await play(folder, path, recorder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file that is written over or replaced is reported, with equal size and time too", () =>
  watched(async (folder, path, recorder) => {
    await Deno.writeTextFile(path, "two");
    assert.deepEqual(await recorder.next(1), ["two"]);
    const { mtime } = await Deno.stat(path);
    await Deno.writeTextFile(`${folder}/new`, "six");
    await Deno.utime(`${folder}/new`, mtime!, mtime!);
    await Deno.rename(`${folder}/new`, path);
    assert.deepEqual(await recorder.next(2), ["two", "six"]);
    await Deno.writeTextFile(path, "ten");
    await Deno.utime(path, mtime!, mtime!);
    assert.deepEqual(await recorder.next(3), ["two", "six", "ten"]);
  }));

Deno.test("a swap of the folder that a symbolic link goes through is reported", () =>
  watched(async (folder, _path, recorder) => {
    await Deno.mkdir(`${folder}/v2`);
    await Deno.writeTextFile(`${folder}/v2/keys.json`, "two");
    await Deno.symlink("v2", `${folder}/data_tmp`);
    await Deno.rename(`${folder}/data_tmp`, `${folder}/data`);
    assert.deepEqual(await recorder.next(1), ["two"]);
  }, true));

Deno.test("a file that goes is reported once; the same text again is no change, another is", () =>
  watched(async (_folder, path, recorder) => {
    await Deno.remove(path);
    assert.deepEqual(await recorder.next(1), [`! ${path} (API_KEYS_FILE) is not there`]);
    await pause(50);
    await Deno.writeTextFile(path, "one");
    await pause(50);
    assert.equal(recorder.words.length, 1);
    await Deno.remove(path);
    assert.equal((await recorder.next(2)).length, 2);
    await Deno.writeTextFile(path, "two");
    assert.equal((await recorder.next(3))[2], "two");
  }));

Deno.test("after its end a watch reports nothing", async () => {
  const path = await Deno.makeTempFile();
  try {
    const recorder = new Recorder();
    const watch = new FileWatch(path, 5, recorder.events);
    await watch.read();
    watch.start();
    await watch[Symbol.asyncDispose]();
    await Deno.writeTextFile(path, "late");
    await pause(50);
    assert.deepEqual(recorder.words, []);
  } finally {
    await Deno.remove(path);
  }
});
