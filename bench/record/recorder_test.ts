import assert from "node:assert/strict";
import { join } from "node:path";
import { StartupError } from "../src/errors.ts";
import { environmentOf } from "./environment_support.ts";
import { hasRecording, readRecording, Recorder } from "./recorder.ts";
import { sampleOf } from "./sample_support.ts";

Deno.test("what was recorded is read back as it was", async () => {
  const folder = await record(3);
  assert.ok(hasRecording(folder));
  const { environment, samples } = await readRecording(folder);
  assert.deepEqual(environment, environmentOf({}));
  assert.deepEqual(samples, [0, 1, 2].map((index) => sampleOf({ index })));
});

Deno.test("a last line that a crash cut off is left out", async () => {
  const folder = await record(2);
  await Deno.writeTextFile(join(folder, "samples.ndjson"), '{"mode":"dir', { append: true });
  assert.equal((await readRecording(folder)).samples.length, 2);
});

Deno.test("a broken line within the samples is an error and never skipped", async () => {
  const folder = await record(1);
  const good = JSON.stringify(sampleOf({}));
  await Deno.writeTextFile(join(folder, "samples.ndjson"), `broken\n${good}\n`, { append: true });
  await assert.rejects(readRecording(folder), StartupError);
});

Deno.test("a folder without a run is refused by name", async () => {
  const folder = await Deno.makeTempDir();
  assert.ok(!hasRecording(folder));
  await assert.rejects(readRecording(folder), new RegExp(`got "${folder}"`));
});

/** A new recording with samples of index 0, 1, ... */
async function record(count: number): Promise<string> {
  const folder = join(await Deno.makeTempDir(), "new", "folder");
  using recorder = new Recorder(folder, environmentOf({}));
  for (let index = 0; index < count; index++) recorder.sample(sampleOf({ index }));
  return folder;
}
