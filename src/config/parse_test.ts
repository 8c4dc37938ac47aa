import assert from "node:assert/strict";
import { addressOf, flagOf, SETTING_NAMES, SETTINGS } from "./config.ts";
import { parseSettings, settingsHelp } from "./parse.ts";
import { StartupError } from "../core/errors.ts";

function problemsOf(args: string[], env: Record<string, string> = {}): readonly string[] {
  try {
    parseSettings(args, env);
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.problems;
    throw thrown;
  }
  return [];
}

Deno.test("without flags and environment all settings have their defaults", () => {
  const { settings, given } = parseSettings([], {});
  for (const name of SETTING_NAMES) assert.equal(settings[name], SETTINGS[name].fallback);
  assert.equal(given.size, 0);
  assert.equal(settings.BIND_PORT, 50061);
  assert.equal(settings.WORKER_ENDPOINT, "http://127.0.0.1:50071");
});

Deno.test("a flag wins over the environment, in both spellings", () => {
  const env = { MAX_BATCH_SIZE: "8", BATCH_WINDOW_MS: "25" };
  const { settings, given } = parseSettings(["--max-batch-size", "16", "--engine-mode=micro_batch"], env);
  assert.equal(settings.MAX_BATCH_SIZE, 16);
  assert.equal(settings.BATCH_WINDOW_MS, 25);
  assert.equal(settings.ENGINE_MODE, "micro_batch");
  assert.deepEqual([...given].sort(), ["BATCH_WINDOW_MS", "ENGINE_MODE", "MAX_BATCH_SIZE"]);
});

Deno.test("a setting of yes or no is also a flag without a value", () => {
  assert.equal(
    parseSettings(["--batch-when-idle", "--refuse-late=false"], {}).settings.BATCH_WHEN_IDLE,
    true,
  );
  assert.equal(parseSettings(["--batch-when-idle", "--refuse-late", "0"], {}).settings.REFUSE_LATE, false);
});

Deno.test("an empty variable counts as not given", () => {
  const { settings, given } = parseSettings([], { WORKER_ENDPOINT: "" });
  assert.equal(settings.WORKER_ENDPOINT, SETTINGS.WORKER_ENDPOINT.fallback);
  assert.ok(!given.has("WORKER_ENDPOINT"));
});

Deno.test("each problem is a line that names the setting, the rule and the value", () => {
  const problems = problemsOf(["--bind-port", "70000"], { MAX_BATCH_SIZE: "0", ENGINE_MODE: "turbo" });
  assert.deepEqual(problems, [
    'BIND_PORT must be a whole number from 0 to 65535, got "70000"',
    'ENGINE_MODE must be one of direct, queued, micro_batch, continuous, got "turbo"',
    'MAX_BATCH_SIZE must be a whole number from 1 to 1024, got "0"',
  ]);
});

for (const text of ["1.5", "-1", "1e3", "0x10", "NaN", "9".repeat(40), "4 4"]) {
  Deno.test(`${text} is no whole number`, () => {
    assert.match(problemsOf([`--max-batch-size=${text}`])[0] ?? "", /^MAX_BATCH_SIZE must be a whole number/);
  });
}

Deno.test("unknown flags, flags without a value and loose words are problems", () => {
  assert.deepEqual(problemsOf(["--max-batchsize", "4", "--bind-port", "--tls-cert", "a", "micro_batch"]), [
    "--max-batchsize is no flag of serve; did you mean --max-batch-size?",
    "BIND_PORT must be a whole number from 0 to 65535, got nothing",
    'serve takes flags only, got "micro_batch"',
    "TLS_CERT and TLS_KEY must be given together",
  ]);
});

Deno.test("the queue's bytes follow a longer prompt's limit, but may not be given below it", () => {
  const longest = String(64 * 2 ** 20);
  assert.equal(parseSettings([], {}).settings.QUEUE_BYTES, SETTINGS.QUEUE_BYTES.fallback);
  assert.ok(parseSettings([], { MAX_PROMPT_BYTES: longest }).settings.QUEUE_BYTES >= Number(longest));
  assert.match(
    problemsOf([], { QUEUE_BYTES: "5" })[0] ?? "",
    /^QUEUE_BYTES must be at least MAX_PROMPT_BYTES/,
  );
});

Deno.test("the time of a row follows a longer time-out of the worker, but may not be given below it", () => {
  assert.equal(
    parseSettings([], { WORKER_RPC_TIMEOUT_MS: "3600000" }).settings.WORKER_ROW_TIMEOUT_MS,
    3_600_000,
  );
  assert.deepEqual(
    problemsOf([], { WORKER_ROW_TIMEOUT_MS: "29999" }),
    ['WORKER_ROW_TIMEOUT_MS must be at least WORKER_RPC_TIMEOUT_MS (30000), got "29999"'],
  );
});

Deno.test("the default of max_tokens follows a lower limit, but may not be given above it", () => {
  assert.equal(parseSettings([], { MAX_TOKENS_LIMIT: "100" }).settings.DEFAULT_MAX_TOKENS, 100);
  const problems = problemsOf([], { MAX_TOKENS_LIMIT: "100", DEFAULT_MAX_TOKENS: "101" });
  assert.deepEqual(problems, ['DEFAULT_MAX_TOKENS must be at most MAX_TOKENS_LIMIT (100), got "101"']);
});

Deno.test("an endpoint may come with or without its scheme, as IPv4, IPv6 or name", () => {
  for (const text of ["127.0.0.1:50071", "http://gpu-box:1", "http://[::1]:50071/", "[::1]:65535"]) {
    const { WORKER_ENDPOINT } = parseSettings([], { WORKER_ENDPOINT: text }).settings;
    assert.equal(addressOf(WORKER_ENDPOINT), text.replace("http://", "").replace("1/", "1"));
    assert.match(WORKER_ENDPOINT, /^http:/);
  }
  const { WORKER_ENDPOINT } = parseSettings([], { WORKER_ENDPOINT: "https://gpu-box:443" }).settings;
  assert.equal(WORKER_ENDPOINT, "https://gpu-box:443", "TLS is never left out");
  for (const text of ["ftp://gpu-box:443", "gpu-box", "http://:50071", "a:0", "a:65536", "a b:1"]) {
    assert.match(problemsOf([], { WORKER_ENDPOINT: text })[0] ?? "", /^WORKER_ENDPOINT must be http:/, text);
  }
});

Deno.test("help shows every setting, and is given also beside mistakes", () => {
  for (const name of SETTING_NAMES) assert.ok(settingsHelp().includes(flagOf(name)), name);
  assert.equal(parseSettings(["--help", "--bind-port", "x"], {}).help, true);
});

Deno.test("HTTP has a port or is off; a certificate comes with its key; a body has room for a prompt", () => {
  assert.equal(parseSettings([], { HTTP_PORT: "off" }).settings.HTTP_PORT, "off");
  assert.match(
    problemsOf([], { HTTP_PORT: "no" })[0]!,
    /^HTTP_PORT must be a whole number from 0 to 65535, or off/,
  );
  assert.deepEqual(problemsOf([], { TLS_CERT: "a.pem" }), ["TLS_CERT and TLS_KEY must be given together"]);
  assert.equal(parseSettings([], { MAX_PROMPT_BYTES: "8000000" }).settings.HTTP_BODY_BYTES, 8_000_000);
  assert.match(
    problemsOf([], { HTTP_BODY_BYTES: "2000" })[0]!,
    /^HTTP_BODY_BYTES must be at least MAX_PROMPT_BYTES/,
  );
});

Deno.test("with keys requests choose their mode only where somebody says so", () => {
  assert.equal(parseSettings([], {}).settings.MODE_HINTS, true);
  assert.equal(parseSettings([], { API_KEYS_FILE: "keys.json" }).settings.MODE_HINTS, false);
  assert.equal(parseSettings([], { API_KEYS_FILE: "keys.json", MODE_HINTS: "1" }).settings.MODE_HINTS, true);
});
