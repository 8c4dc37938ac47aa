import assert from "node:assert/strict";
import { StartupError } from "../core/errors.ts";
import { changeKeyFile } from "./change_key_file.ts";
import { type KeyFile, type KeyRecord, parseKeyFile } from "./key_file.ts";

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
