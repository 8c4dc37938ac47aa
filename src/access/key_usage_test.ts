import assert from "node:assert/strict";
import fc from "fast-check";
import { OmnispanError } from "../core/errors.ts";
import type { KeyLimits } from "./key_file.ts";
import { FULL_BUCKET, givenBack, KeyUsage, taken, waitMs } from "./key_usage.ts";

const START = Date.UTC(2026, 10, 28);

function admit(usage: KeyUsage, limits: KeyLimits, maxTokens: number, now = START) {
  return usage.admit(limits, { maxTokens, maxTokensField: "max_tokens", now });
}

function refusal(action: () => unknown): OmnispanError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof OmnispanError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

Deno.test("a minute's requests may come at once; the refusal of the next says when it fits", () => {
  const usage = new KeyUsage("k1");
  const limits = { requests_per_minute: 2 };
  admit(usage, limits, 16);
  admit(usage, limits, 16);
  const { code, message, retryAfterMs } = refusal(() => admit(usage, limits, 16, START + 10_000));
  assert.equal(code, "resource_exhausted");
  assert.equal(message, "requests_per_minute of API key k1 is 2; try again in 20000 ms");
  assert.equal(retryAfterMs, 20_000);
  assert.equal(refusal(() => admit(usage, limits, 16, START + 29_999)).retryAfterMs, 1);
  admit(usage, limits, 16, START + 30_000);
});

Deno.test("max_tokens are charged at once, and what was not used is given back once", () => {
  const usage = new KeyUsage("k1");
  const limits = { tokens_per_minute: 600 };
  const admitted = admit(usage, limits, 600);
  const { message, retryAfterMs } = refusal(() => admit(usage, limits, 100));
  assert.equal(message, "tokens_per_minute of API key k1 is 600; try again in 10000 ms");
  assert.equal(retryAfterMs, 10_000);
  admitted.settle(400);
  admitted.settle(0);
  admit(usage, limits, 200);
  assert.equal(refusal(() => admit(usage, limits, 1)).retryAfterMs, 100);
});

Deno.test("what ends without being settled stays charged, and more tokens than were asked for give nothing back", () => {
  const usage = new KeyUsage("k1");
  const limits = { tokens_per_minute: 100 };
  admit(usage, limits, 50)[Symbol.dispose]();
  admit(usage, limits, 50).settle(80);
  assert.equal(refusal(() => admit(usage, limits, 50)).retryAfterMs, 30_000);
});

Deno.test("requests under way are counted, and each leaves once however often it is disposed", () => {
  const usage = new KeyUsage("k1");
  const limits = { max_in_flight: 2 };
  const first = admit(usage, limits, 16);
  using _second = admit(usage, limits, 16);
  const { code, message, retryAfterMs } = refusal(() => admit(usage, limits, 16));
  assert.equal(code, "resource_exhausted");
  assert.equal(message, "max_in_flight of API key k1 is 2; 2 requests are under way");
  assert.equal(retryAfterMs, undefined);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using _third = admit(usage, limits, 16);
  assert.equal(refusal(() => admit(usage, limits, 16)).code, "resource_exhausted");
});

Deno.test("a request that can never fit is a wrong argument under the name that its caller used", () => {
  const usage = new KeyUsage("k1");
  const error = refusal(() =>
    usage.admit({ max_tokens: 100 }, { maxTokens: 101, maxTokensField: "max_completion_tokens", now: START })
  );
  assert.equal(error.code, "invalid_argument");
  assert.equal(error.param, "max_completion_tokens");
  assert.equal(
    error.message,
    "max_completion_tokens must be at most 100 (max_tokens of API key k1), got 101",
  );
  const never = refusal(() => admit(usage, { tokens_per_minute: 20 }, 21));
  assert.equal(never.code, "invalid_argument");
  assert.equal(never.message, "max_tokens must be at most 20 (tokens_per_minute of API key k1), got 21");
});

Deno.test("what is refused costs nothing, and of two limits the refusal names the longer wait", () => {
  const usage = new KeyUsage("k1");
  const limits = { requests_per_minute: 60, tokens_per_minute: 60, max_in_flight: 1 };
  admit(usage, limits, 30)[Symbol.dispose]();
  for (let tries = 0; tries < 100; tries++) {
    const { message } = refusal(() => admit(usage, limits, 60));
    assert.equal(message, "tokens_per_minute of API key k1 is 60; try again in 30000 ms");
  }
  admit(usage, limits, 30);
});

Deno.test("without limits nothing is refused", () => {
  const usage = new KeyUsage("k1");
  for (let requests = 0; requests < 1000; requests++) admit(usage, {}, 1_000_000);
});

Deno.test("a limit that is changed meanwhile counts from the next request on", () => {
  const usage = new KeyUsage("k1");
  admit(usage, { tokens_per_minute: 1000 }, 1000);
  assert.equal(refusal(() => admit(usage, { tokens_per_minute: 100 }, 100)).retryAfterMs, 600_000);
  admit(usage, { tokens_per_minute: 1100 }, 100);
});

Deno.test("what the engine turned away after all is as if it had not come", () => {
  const usage = new KeyUsage("k1");
  const limits = { requests_per_minute: 1, tokens_per_minute: 100 };
  const admitted = admit(usage, limits, 100);
  admitted.giveBack();
  admitted.settle(0);
  admitted[Symbol.dispose]();
  admit(usage, limits, 100);
  assert.equal(refusal(() => admit(usage, limits, 100)).code, "resource_exhausted");
});

Deno.test("a limit that was not charged gives nothing back", () => {
  const usage = new KeyUsage("k1");
  admit(usage, {}, 100).giveBack();
  admit(usage, { requests_per_minute: 1 }, 100);
  refusal(() => admit(usage, { requests_per_minute: 1 }, 100));
});

/** Milliseconds with the fraction that the clock's instants have. */
const gaps = fc.oneof(fc.nat(2_000), fc.nat(120_000), fc.nat(2 ** 24).map((n) => n / 4096));
const limits = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 10_000_000 }));

/** A minute's limit and requests that each ask for at most that much. */
const histories = limits.chain((perMinute) =>
  fc.record({
    perMinute: fc.constant(perMinute),
    requests: fc.array(
      fc.record({ gapMs: gaps, units: fc.oneof(fc.integer({ min: 1, max: perMinute }), fc.constant(1)) }),
      { minLength: 20, maxLength: 60 },
    ),
  })
);

Deno.test("in no stretch of time more is admitted than a minute's worth and what refills in it", () => {
  fc.assert(fc.property(histories, ({ perMinute, requests }) => {
    let now = START;
    let bucket = FULL_BUCKET;
    const admitted: { at: number; units: number }[] = [];
    for (const { gapMs, units } of requests) {
      now += gapMs;
      if (waitMs(bucket, units, perMinute, now) > 0) continue;
      bucket = taken(bucket, units, perMinute, now);
      admitted.push({ at: now, units });
      let sum = 0;
      for (const { at, units } of admitted.toReversed()) {
        sum += units;
        assert.ok(sum * 60_000 <= perMinute * (60_000 + now - at), `${sum} within ${now - at} ms`);
      }
    }
  }));
});

Deno.test("a refused request fits after the wait that the refusal names, and a millisecond earlier it does not", () => {
  let refused = 0;
  fc.assert(fc.property(histories, ({ perMinute, requests }) => {
    let now = START;
    let bucket = FULL_BUCKET;
    for (const { gapMs, units } of requests) {
      now += gapMs;
      const wait = waitMs(bucket, units, perMinute, now);
      assert.ok(Number.isInteger(wait) && wait >= 0 && wait <= 60_000, `waits ${wait} ms`);
      if (wait > 0) {
        refused++;
        assert.equal(waitMs(bucket, units, perMinute, now + wait), 0);
        assert.ok(waitMs(bucket, units, perMinute, now + wait - 1) > 0);
      } else bucket = taken(bucket, units, perMinute, now);
    }
  }));
  assert.ok(refused > 500, `${refused} were refused`);
});

Deno.test("what is given back can be taken again, and never makes more than a minute's worth", () => {
  fc.assert(fc.property(limits, gaps, fc.nat(1000), (perMinute, gapMs, more) => {
    const emptied = taken(FULL_BUCKET, perMinute, perMinute, START);
    const full = givenBack(emptied, perMinute + more);
    assert.equal(waitMs(givenBack(emptied, 1), 1, perMinute, START), 0);
    assert.equal(waitMs(full, perMinute, perMinute, START + gapMs), 0);
    assert.ok(waitMs(full, perMinute + 1, perMinute, START + gapMs) > 0);
  }));
});

Deno.test("an instant before the last one adds nothing, and its wait is counted from there", () => {
  const bucket = taken(FULL_BUCKET, 60, 60, START);
  assert.equal(waitMs(bucket, 1, 60, START), 1000);
  assert.equal(waitMs(bucket, 1, 60, START - 250), 1250);
  assert.equal(waitMs(taken(FULL_BUCKET, 59, 60, START), 1, 60, START - 250), 0);
  assert.deepEqual(taken(bucket, 1, 60, START - 250), taken(bucket, 1, 60, START));
});
