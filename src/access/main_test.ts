import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { LOCK } from "../../tests/support/process.ts";
import { ApiKeys } from "./api_keys.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

async function keys(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", LOCK, MAIN, ...args],
    cwd: folder,
    env: { API_KEYS_FILE: "keys.json", NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("a key that was made opens the engine, is listed without its hash, and is gone once it is revoked", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const made = await keys(folder, "new", "--tenant", "alice", "--note", "my laptop", "--max-tokens", "64");
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /^omk_k[0-9a-f]{8}_[\w-]{43}\n$/);
    const [, id = ""] = made.out.split("_");
    assert.match(made.err, new RegExp(`^Key ${id} of tenant alice is in keys.json\\.`));
    assert.ok(!made.err.includes(made.out.trim()));

    await using access = await ApiKeys.open(`${folder}/keys.json`);
    assert.deepEqual(access.identify(`Bearer ${made.out.trim()}`), {
      keyId: id,
      tenantId: "alice",
      operator: false,
      limits: { max_tokens: 64 },
    });

    const listed = await keys(folder, "list");
    assert.match(
      listed.out,
      new RegExp(`^id +tenant .*\n${id} +alice +\\d{4}-\\d\\d-\\d\\d +no +- +- +- +64 +my laptop\n$`),
    );
    const hash = /sha256:([0-9a-f]{64})/.exec(await Deno.readTextFile(`${folder}/keys.json`))?.[1] ?? "none";
    assert.ok(!listed.out.includes(hash.slice(0, 8)));

    const revoked = await keys(folder, "revoke", id);
    assert.deepEqual([revoked.code, revoked.out], [0, ""]);
    const again = await keys(folder, "revoke", id);
    assert.deepEqual([again.code, again.err], [
      1,
      `keys revoke needs the id of a key in keys.json, got "${id}"\n`,
    ]);
    assert.equal((await keys(folder, "list")).out, "keys.json has no keys\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("help ends with 0, what can't be done with 1, wrong use with 2", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [help, missing, unmade, wrong] = [
      await keys(folder, "--help"),
      await keys(folder, "list"),
      await keys(folder, "new", "--tenant", "alice", "--file", "no/keys.json"),
      await keys(folder, "new", "--max-tokens", "many"),
    ];
    assert.equal(help.code, 0);
    assert.match(help.out, /^Usage: deno task keys new/);
    assert.deepEqual([missing.code, missing.err], [1, "keys.json is not there\n"]);
    assert.deepEqual(
      [unmade.code, unmade.out, unmade.err],
      [1, "", "no/keys.json can't be made: its folder is not there\n"],
    );
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.err,
      /^--max-tokens must be a whole number from 1 to 1000000, got "many"\n--tenant must be/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
