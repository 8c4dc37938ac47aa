import assert from "node:assert/strict";
import { StartupError } from "../core/errors.ts";
import { changeKeyFile, type KeyFile, type KeyRecord, parseKeyFile } from "./key_file.ts";

const HASH = `sha256:${"0123456789abcdef".repeat(4)}`;
const SECRET = `omk_k1_${"A".repeat(43)}`;
const KEY = { id: "k1", hash: HASH, tenant: "alice" };

function problems(file: unknown): readonly string[] {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  try {
    parseKeyFile(text, "keys.json");
  } catch (thrown) {
    if (!(thrown instanceof StartupError)) throw thrown;
    for (const line of thrown.problems) assert.doesNotMatch(line, /0123456789abcdef|omk_k1_/);
    return thrown.problems;
  }
  throw new Error("the file was taken");
}

Deno.test("a key file is read as it is", () => {
  const full = {
    ...KEY,
    id: "k2",
    note: "laptop",
    created: "2026-11-28",
    limits: { requests_per_minute: 60, tokens_per_minute: 20_000, max_in_flight: 8, max_tokens: 1024 },
    operator: true,
  };
  const file = { keys: [KEY, full, { ...KEY, id: "k3", limits: {} }] };
  assert.deepEqual(parseKeyFile(JSON.stringify(file), "keys.json"), file);
  assert.deepEqual(parseKeyFile('{"keys":[]}', "keys.json"), { keys: [] });
});

Deno.test("each broken rule is a line with the file, the place in it, the rule and the value", () => {
  const keys = [
    {
      ...KEY,
      id: "K-1",
      tenant: "",
      created: "2026-02-30",
      limits: { requests_per_minute: 0, max_tokens: "5" },
    },
    { ...KEY, id: "k2", operator: "yes", note: "two\nlines", limits: { rpm: 5 } },
    { id: "k3", hash: HASH },
    7,
    KEY,
    { ...KEY, tenant: "bob" },
  ];
  assert.deepEqual(problems({ keys }), [
    'keys.json: keys[0].id must be 1 to 32 of a-z and 0-9, got "K-1"',
    'keys.json: keys[0].tenant must be a Unicode text of 1 to 256 bytes of UTF-8 without control characters, got ""',
    'keys.json: keys[0].created must be a day like 2026-11-28, got "2026-02-30"',
    "keys.json: keys[0].limits.requests_per_minute must be a whole number from 1 to 10000000, got 0",
    'keys.json: keys[0].limits.max_tokens must be a whole number from 1 to 1000000, got "5"',
    'keys.json: keys[1].note must be a Unicode text of at most 1000 bytes of UTF-8 without control characters, got "two\\nlines"',
    "keys.json: keys[1].limits.rpm must be one of the fields requests_per_minute, tokens_per_minute, max_in_flight, max_tokens",
    'keys.json: keys[1].operator must be true or false, got "yes"',
    "keys.json: keys[2].tenant must be a Unicode text of 1 to 256 bytes of UTF-8 without control characters, got nothing",
    "keys.json: keys[3] must be a mapping with the fields id, hash, tenant, note, created, limits, operator, got 7",
  ]);
  assert.deepEqual(problems({ keys: [KEY, { ...KEY, tenant: "bob" }] }), [
    'keys.json: keys[1].id must be unlike the ids before it, got "k1"',
  ]);
  assert.deepEqual(problems([]), ["keys.json: the file must be a mapping with the fields keys, got []"]);
  assert.deepEqual(problems({}), ["keys.json: keys must be a list of keys, got nothing"]);
});

Deno.test("half of a surrogate pair is no tenant: two of these would look the same to everybody", () => {
  assert.deepEqual(
    problems({ keys: [{ ...KEY, tenant: "t\ud83d" }, { ...KEY, id: "k2", note: "\udc00" }] }),
    [
      'keys.json: keys[0].tenant must be a Unicode text of 1 to 256 bytes of UTF-8 without control characters, got "t\\ud83d"',
      'keys.json: keys[1].note must be a Unicode text of at most 1000 bytes of UTF-8 without control characters, got "\\udc00"',
    ],
  );
  const whole = { keys: [{ ...KEY, tenant: "t😀" }] };
  assert.deepEqual(parseKeyFile(JSON.stringify(whole), "keys.json"), whole);
});

Deno.test("a text that is no JSON is reported with its line", () => {
  assert.deepEqual(problems('{"keys": [\n{"id": "k1",}\n]}'), [
    "keys.json must be JSON, but is not at line 2",
  ]);
  assert.deepEqual(problems('{"keys": ['), ["keys.json must be JSON, but ends too early"]);
  assert.deepEqual(problems(SECRET), ["keys.json must be JSON, but is not"]);
  assert.deepEqual(problems(`{"keys":["${HASH}" 1]}`), ["keys.json must be JSON, but is not at line 1"]);
});

Deno.test("no hash and no key is ever shown, wherever it stands", () => {
  assert.deepEqual(problems({ keys: [{ ...KEY, hash: HASH.slice(7) }, { ...KEY, hash: 5 }] }), [
    "keys.json: keys[0].hash must be sha256: and 64 of 0-9 and a-f, got 64 characters",
    "keys.json: keys[1].hash must be sha256: and 64 of 0-9 and a-f, got a number",
  ]);
  assert.equal(
    problems({ keys: [SECRET, [HASH], { ...KEY, id: SECRET, [SECRET]: 1, operator: HASH }] }).length,
    5,
  );
  assert.equal(problems({ keys: { k1: KEY } }).length, 1);
});

Deno.test("of many problems the first are reported", () => {
  const lines = problems({ keys: Array.from({ length: 50 }, () => 1) });
  assert.equal(lines.length, 21);
  assert.equal(lines.at(-1), "keys.json: and 30 more problems");
});

async function inFolder(play: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await play(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function record(id: string): KeyRecord {
  return { id, hash: `sha256:${"a".repeat(64)}`, tenant: "alice" };
}

function adding(id: string): (file: KeyFile) => KeyFile {
  return ({ keys }) => ({ keys: [...keys, record(id)] });
}

async function idsIn(path: string): Promise<readonly string[]> {
  return parseKeyFile(await Deno.readTextFile(path), path).keys.map(({ id }) => id);
}

async function names(folder: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("a new file is its owner's alone; one that is there keeps its mode and what is in it", () =>
  inFolder(async (folder) => {
    const path = `${folder}/keys.json`;
    await changeKeyFile(path, { create: true }, adding("k1"));
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    await Deno.chmod(path, 0o640);
    await changeKeyFile(path, { create: true }, adding("k2"));
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o640);
    assert.deepEqual(await idsIn(path), ["k1", "k2"]);
    assert.deepEqual(await names(folder), ["keys.json"]);
  }));

Deno.test("changes that come at the same time follow each other", () =>
  inFolder(async (folder) => {
    const path = `${folder}/keys.json`;
    const ids = Array.from({ length: 12 }, (_, index) => `k${index}`);
    await Promise.all(ids.map((id) => changeKeyFile(path, { create: true }, adding(id))));
    assert.deepEqual(new Set(await idsIn(path)), new Set(ids));
    assert.deepEqual(await names(folder), ["keys.json"]);
  }));

Deno.test("a symbolic link goes on to lead to the file", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/real`);
    await Deno.symlink("real/keys.json", `${folder}/keys.json`);
    await changeKeyFile(`${folder}/keys.json`, { create: true }, adding("k1"));
    assert.ok((await Deno.lstat(`${folder}/keys.json`)).isSymlink);
    assert.deepEqual(await idsIn(`${folder}/real/keys.json`), ["k1"]);
  }));

Deno.test("a change that fails leaves the file as it was and nothing beside it", () =>
  inFolder(async (folder) => {
    const path = `${folder}/keys.json`;
    await assert.rejects(changeKeyFile(path, { create: false }, adding("k1")), Deno.errors.NotFound);
    await Deno.writeTextFile(path, '{"keys":[7]}');
    await assert.rejects(changeKeyFile(path, { create: true }, adding("k1")), StartupError);
    assert.equal(await Deno.readTextFile(path), '{"keys":[7]}');
    assert.deepEqual(await names(folder), ["keys.json"]);
  }));
