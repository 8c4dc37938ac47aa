import assert from "node:assert/strict";
import { OmnispanError } from "../../core/errors.ts";
import { readJson } from "./body.ts";

const BYTES = 4 * 2 ** 20;
const LIMITS = { HTTP_BODY_BYTES: 2 * BYTES, HTTP_BODY_TIMEOUT_MS: 10_000 };

function read(body: string): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return readJson(new Request("http://localhost/", { method: "POST", headers, body }), LIMITS);
}

async function refuses(body: string, rule: RegExp): Promise<void> {
  await assert.rejects(read(body), (thrown) => {
    assert.ok(thrown instanceof OmnispanError, String(thrown));
    assert.equal(thrown.code, "invalid_argument");
    assert.match(thrown.message, rule);
    return true;
  });
}

/** Bodies that keep JSON's parser busy for long, for their size. */
const SHAPES: Readonly<Record<string, readonly [body: string, rule: RegExp]>> = {
  "arrays that never end": ["[".repeat(BYTES), /^the body must be at most 64 deep, got more$/],
  "arrays in arrays": ["[".repeat(BYTES / 2) + "]".repeat(BYTES / 2), /at most 64 deep/],
  "objects in objects": ['{"a":'.repeat(BYTES / 6) + "1" + "}".repeat(BYTES / 6), /at most 64 deep/],
  "arrays in arrays, less deep, many times": [
    "[" + ("[".repeat(60) + "]".repeat(60) + ",").repeat(BYTES / 122) + "1]",
    /^the body must have at most 65536 arrays, objects and fields, got \d+$/,
  ],
  "fields of unlike names": [
    `{${Array.from({ length: BYTES / 10 }, (_, i) => `"${i.toString(36)}":1`).join()}}`,
    /at most 65536 arrays, objects and fields/,
  ],
};

for (const [name, [body, rule]] of Object.entries(SHAPES)) {
  Deno.test(`a body of ${name} is refused in less time than it takes to parse`, async () => {
    let began = performance.now();
    try {
      JSON.parse(body);
    } catch {
      // It took its time all the same.
    }
    const parsingMs = performance.now() - began;
    began = performance.now();
    await refuses(body, rule);
    const refusingMs = performance.now() - began;
    assert.ok(refusingMs < parsingMs / 2, `${refusingMs} ms, and ${parsingMs} ms to parse it`);
  });
}

Deno.test("what stands in texts is not counted, whatever is escaped there", async () => {
  const text = '[{"a": "\\\\'.repeat(100_000);
  assert.deepEqual(await read(JSON.stringify({ [text]: [text, "\\"] })), { [text]: [text, "\\"] });
  await refuses(`"${"\\\\".repeat(9)}" ${"[".repeat(65)}`, /at most 64 deep/);
  await refuses('{"a": "[[[', /^the body must be JSON/);
  await refuses('{"a": "\\', /^the body must be JSON/);
});

Deno.test("the deepest and the largest body that is taken", async () => {
  await read("[".repeat(64) + "]".repeat(64));
  await refuses("[".repeat(65) + "]".repeat(65), /at most 64 deep/);
  assert.equal((await read(`[${"[],".repeat(2 ** 16 - 2)}[]]`) as unknown[]).length, 2 ** 16 - 1);
  await refuses(`[${"[],".repeat(2 ** 16 - 1)}[]]`, /got 65537$/);
  assert.equal((await read(`[${"1,".repeat(10 ** 6)}1]`) as unknown[]).length, 10 ** 6 + 1);
});
