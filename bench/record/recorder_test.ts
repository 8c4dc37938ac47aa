import assert from "node:assert/strict";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { StartupError } from "../../src/core/errors.ts";
import { environmentOf } from "../../tests/support/bench/environment.ts";
import { hasRecording, makeFolder, readRecording, Recorder } from "./recorder.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";

Deno.test("what was recorded is read back as it was", async () => {
  const folder = await record(3);
  assert.ok(hasRecording(folder));
  const { environment, samples, cut } = await readRecording(folder);
  assert.equal(cut, undefined);
  assert.deepEqual(environment, environmentOf({}));
  assert.deepEqual(samples, [0, 1, 2].map((index) => sampleOf({ index })));
});

Deno.test("instants are kept to the microsecond", async () => {
  const folder = await newFolder();
  {
    await using recorder = new Recorder(folder, environmentOf());
    recorder.sample(
      sampleOf({ sentAt: 1764000000000.2502, firstTextMs: 0.00049, arrivals: [[1.23456, 2]] }),
    );
  }
  const { samples: [sample] } = await readRecording(folder);
  assert.equal(sample?.sentAt, 1764000000000.25);
  assert.equal(sample?.firstTextMs, 0);
  assert.deepEqual(sample?.arrivals, [[1.235, 2]]);
});

Deno.test("a run that crashed is read from what it had written, without a last line that was cut", async () => {
  const folder = await newFolder();
  const recorder = new Recorder(folder, environmentOf());
  for (const index of [0, 1]) recorder.sample(sampleOf({ index }));
  recorder.flush();
  await Deno.writeTextFile(join(folder, "samples.ndjson"), '{"variant":"dir', { append: true });
  assert.ok(hasRecording(folder));
  const { samples, cut } = await readRecording(folder);
  assert.deepEqual(samples.map(({ index }) => index), [0, 1]);
  assert.match(cut ?? "", /samples\.ndjson is of a run that did not come to its end: .* 2 samples/);
  await recorder[Symbol.asyncDispose]();
});

Deno.test("a run that crashed while its samples were compressed is read whole", async () => {
  const folder = await record(500);
  const path = join(folder, "samples.ndjson.gz");
  const whole = await Deno.readFile(path);
  await Deno.writeFile(join(folder, "samples.ndjson"), gunzipSync(whole));
  await Deno.writeFile(path, whole.subarray(0, whole.length / 2));
  assert.equal((await readRecording(folder)).samples.length, 500);
});

Deno.test("a compressed file that was cut gives the samples before the cut, and says so", async () => {
  const folder = await record(500);
  const path = join(folder, "samples.ndjson.gz");
  const whole = await Deno.readFile(path);
  await Deno.writeFile(path, whole.subarray(0, whole.length - 40));
  const { samples, cut } = await readRecording(folder);
  assert.ok(samples.length > 300 && samples.length < 500, `${samples.length} samples`);
  assert.equal(cut, `${path} is cut: the figures are of the ${samples.length} samples that it has`);
  await Deno.writeFile(path, new Uint8Array());
  assert.match((await readRecording(folder)).cut ?? "", /is cut: the figures are of the 0 samples/);
});

Deno.test("a compressed file that was changed is refused by name", async () => {
  const folder = await record(500);
  const path = join(folder, "samples.ndjson.gz");
  const whole = await Deno.readFile(path);
  const middle = Math.floor(whole.length / 2);
  const changed = whole.with(middle, whole[middle]! ^ 0xff);
  for (const bytes of [changed, new TextEncoder().encode("no gzip")]) {
    await Deno.writeFile(path, bytes);
    await assert.rejects(readRecording(folder), (thrown) => {
      assert.ok(thrown instanceof StartupError, String(thrown));
      assert.ok(thrown.message.startsWith(`${path} can't be read: `), thrown.message);
      return true;
    });
  }
});

Deno.test("a broken line within the samples is an error and never skipped", async () => {
  const folder = await record(2);
  const path = join(folder, "samples.ndjson.gz");
  const lines = gunzipSync(await Deno.readFile(path)).toString();
  for (const broken of ["broken", '{"index":1}', "null"]) {
    await Deno.writeFile(path, gzipSync(`${broken}\n${lines}`));
    await assert.rejects(readRecording(folder), StartupError, broken);
  }
});

Deno.test("a run of an older bench is refused by name", async () => {
  const folder = await record(1);
  await Deno.writeTextFile(join(folder, "environment.json"), "{}");
  await assert.rejects(readRecording(folder), /environment\.json has no plan/);
});

Deno.test("an environment that is no JSON is refused by name", async () => {
  const folder = await record(1);
  await Deno.writeTextFile(join(folder, "environment.json"), "{");
  await assert.rejects(readRecording(folder), (thrown) => {
    assert.ok(thrown instanceof StartupError);
    assert.match(thrown.message, /environment\.json must be JSON, got "\{"$/);
    return true;
  });
});

Deno.test("an environment that is told again takes the place of the one before as a whole", async () => {
  const folder = await newFolder();
  await using recorder = new Recorder(folder, environmentOf());
  const path = join(folder, "environment.json");
  await Deno.link(path, join(folder, "before.json"));
  recorder.describe(environmentOf({ target: "later" }));
  assert.equal(JSON.parse(await Deno.readTextFile(path)).target, "later");
  const before = JSON.parse(await Deno.readTextFile(join(folder, "before.json")));
  assert.notEqual(before.target, "later", "the file that was there is not written into");
});

Deno.test("a folder without a run is refused by name", async () => {
  const folder = await Deno.makeTempDir();
  assert.ok(!hasRecording(folder));
  await assert.rejects(readRecording(folder), new RegExp(`got "${folder}"`));
});

Deno.test("a folder that can't be made is refused by name", async () => {
  const file = await Deno.makeTempFile();
  for (const folder of [file, join(file, "below"), "/proc/nowhere"]) {
    assert.throws(() => makeFolder(folder), (thrown) => {
      assert.ok(thrown instanceof StartupError, String(thrown));
      assert.ok(thrown.message.startsWith("the folder for the results must be one that can be written to, "));
      assert.ok(thrown.message.includes(`got "${folder}"`), thrown.message);
      return true;
    });
  }
});

/** A new recording with samples of index 0, 1, ... */
async function record(count: number): Promise<string> {
  const folder = await newFolder();
  await using recorder = new Recorder(folder, environmentOf());
  for (let index = 0; index < count; index++) recorder.sample(sampleOf({ index }));
  return folder;
}

async function newFolder(): Promise<string> {
  return join(await Deno.makeTempDir(), "new", "folder");
}
