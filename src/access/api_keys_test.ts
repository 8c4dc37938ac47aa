import assert from "node:assert/strict";
import { join } from "node:path";
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { OmnispanError, StartupError } from "../core/errors.ts";
import { formatText } from "../logging/logging.ts";
import { pause, waitUntil } from "../../tests/support/wait.ts";
import { warnOfExposure } from "./secret_files.ts";
import { ApiKeys } from "./api_keys.ts";
import type { KeyRecord } from "./key_file.ts";
import { hashOf, newKeyText, writtenHash } from "./key_text.ts";

const START = Date.UTC(2026, 10, 28);
const LOOK_MS = 10;

function keyOf(id: string, more: Partial<KeyRecord> = {}): { text: string; record: KeyRecord } {
  const text = newKeyText(id);
  return { text, record: { id, hash: writtenHash(hashOf(text)), tenant: "alice", ...more } };
}

/** A key file in a folder of its own. */
async function withFile(records: readonly KeyRecord[], play: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await write(`${folder}/keys.json`, records);
    await play(`${folder}/keys.json`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function write(path: string, keys: readonly KeyRecord[]): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, JSON.stringify({ keys }), { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}

function refused(action: () => unknown): string {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof OmnispanError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return "";
}

Deno.test("a key identifies its tenant and what it may do", () => {
  const limits = { requests_per_minute: 60 };
  const [plain, operator] = [keyOf("k1", { limits }), keyOf("k2", { tenant: "ops", operator: true })];
  return withFile([plain.record, operator.record], async (path) => {
    await using keys = await ApiKeys.open(path);
    assert.deepEqual(keys.identify(`Bearer ${plain.text}`), {
      keyId: "k1",
      tenantId: "alice",
      operator: false,
      limits,
    });
    assert.deepEqual(keys.identify(`bearer  ${operator.text} `), {
      keyId: "k2",
      tenantId: "ops",
      operator: true,
      limits: {},
    });
  });
});

Deno.test("without a key, or with one that is not in the file, nobody is let in, and the key is not repeated", () => {
  const { text, record } = keyOf("k1");
  return withFile([record], async (path) => {
    await using keys = await ApiKeys.open(path);
    const none = "unauthenticated: no API key was given: send it as `Authorization: Bearer KEY`";
    for (
      const credential of [undefined, "", text, "Bearer", "Bearer ", `Basic ${text}`, `Bearer ${text} x`]
    ) {
      assert.equal(refused(() => keys.identify(credential)), none);
    }
    const invalid = "unauthenticated: the API key is not valid";
    const changed = text.slice(0, -2) + (text.at(-2) === "A" ? "B" : "A") + text.at(-1);
    for (const other of [newKeyText("k1"), newKeyText("k9"), changed, `${text}A`, "k1", record.hash]) {
      assert.equal(refused(() => keys.identify(`Bearer ${other}`)), invalid, other);
    }
  });
});

Deno.test("a file that is missing or broken stops the start with a line", async () => {
  await assert.rejects(ApiKeys.open("no/such/keys.json"), (thrown) => {
    assert.ok(thrown instanceof StartupError);
    assert.deepEqual(thrown.problems, ["no/such/keys.json (API_KEYS_FILE) is not there"]);
    return true;
  });
  await withFile([{ ...keyOf("k1").record, tenant: "" }], async (path) => {
    await assert.rejects(ApiKeys.open(path), StartupError);
  });
  await withFile([{ ...keyOf("k1").record, tenant: "t?" }], async (path) => {
    const bytes = (await Deno.readFile(path)).map((byte) => byte === 0x3f ? 0xff : byte);
    await Deno.writeFile(path, bytes);
    await assert.rejects(ApiKeys.open(path), /\(API_KEYS_FILE\) can't be read: it must be UTF-8$/);
  });
});

Deno.test("a file that goes after it was read throws nothing where nobody would catch it", () => {
  warnOfExposure("API_KEYS_FILE", join(Deno.makeTempDirSync(), "gone.json"));
});

Deno.test("the keys follow the file: who stays keeps what was used, who was removed is out", () => {
  const limits = { max_in_flight: 1 };
  const [stays, goes, comes] = [keyOf("k1", { limits }), keyOf("k2"), keyOf("k3")];
  return withFile([stays.record, goes.record], async (path) => {
    await using keys = await ApiKeys.open(path, LOOK_MS);
    const [one, two] = [stays, goes].map(({ text }) => keys.identify(`Bearer ${text}`));
    using _admitted = keys.admit(one!, 16, START);
    await write(path, [{ ...stays.record, limits: { ...limits, max_tokens: 8 } }, comes.record]);
    await waitUntil(
      "the new key came",
      () => refused(() => keys.identify(`Bearer ${comes.text}`)) === "",
      5000,
    );
    assert.match(refused(() => keys.identify(`Bearer ${goes.text}`)), /not valid/);
    assert.match(refused(() => keys.admit(two!, 16, START)), /^unauthenticated: the API key is not valid/);
    assert.match(refused(() => keys.admit(one!, 8, START)), /^resource_exhausted: max_in_flight/);
    assert.match(
      refused(() => keys.admit(one!, 9, START)),
      /^invalid_argument: max_tokens must be at most 8/,
    );
    assert.match(refused(() => keys.admit(one!, 9, START, "n")), /^invalid_argument: n must be at most 8/);
  });
});

Deno.test("a removed key is soon out when nobody says how often to look", () => {
  const { text, record } = keyOf("k1");
  return withFile([record], async (path) => {
    await using keys = await ApiKeys.open(path);
    await write(path, []);
    await waitUntil("the refusal came", () => refused(() => keys.identify(`Bearer ${text}`)) !== "", 5000);
  });
});

Deno.test("a broken file is logged once and changes nothing, and no log line has a key or a hash", () => {
  const { text, record } = keyOf("k1");
  const lines: string[] = [];
  configureSync({
    reset: true,
    sinks: { lines: (entry: LogRecord) => void lines.push(formatText(entry)) },
    loggers: [
      { category: "omnispan", sinks: ["lines"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
  return withFile([record], async (path) => {
    await using keys = await ApiKeys.open(path, LOOK_MS);
    await Deno.writeTextFile(path, `{"keys":[{"id":"k1","hash":"${record.hash}","tenant":5,"x":"${text}"}]`);
    await waitUntil("the log line came", () => lines.length > 0, 5000);
    await pause(5 * LOOK_MS);
    assert.equal(keys.identify(`Bearer ${text}`).keyId, "k1");
    await write(path, [{ ...record, tenant: "bob" }, keyOf("k2").record]);
    await waitUntil("the repaired file came", () => keys.identify(`Bearer ${text}`).tenantId === "bob", 5000);
    assert.equal(lines.length, 2);
    assert.match(
      lines[0]!,
      /the API keys stay as they were: .*keys\.json must be JSON, but (ends too early|is not at line 1)/,
    );
    assert.match(lines[1]!, /API keys reloaded: 1 added, 0 removed, 1 kept/);
    for (const line of lines) {
      assert.ok(!line.includes(text.slice(7)) && !line.includes(record.hash.slice(7, 20)));
    }
  }).finally(resetSync);
});
