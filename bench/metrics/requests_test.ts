import assert from "node:assert/strict";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { itlGapsMs, meetsSlo, requestFigures } from "./requests.ts";

/** Due at 1000, sent 40 late, first text 160 after that, end at 2000. */
const streamed = sampleOf({
  intendedAt: 1000,
  sentAt: 1040,
  endedAt: 2000,
  firstTextMs: 160,
  arrivals: [[160, 1], [200, 3], [960, 1]],
  outputTokens: 5,
});

Deno.test("every latency counts from the intended instant, with send to end beside", () => {
  assert.deepEqual(requestFigures(streamed), {
    e2eMs: 1000,
    sendToEndMs: 960,
    ttftMs: 200,
    tpotMs: 200,
    latenessMs: 40,
  });
});

Deno.test("an answer in one piece has no TTFT and no TPOT, a single token no TPOT", () => {
  const whole = requestFigures(sampleOf({}));
  assert.deepEqual([whole.e2eMs, whole.ttftMs, whole.tpotMs], [1000, undefined, undefined]);
  assert.equal(requestFigures({ ...streamed, outputTokens: 1 }).tpotMs, undefined);
});

Deno.test("a failed request is infinitely late, but its lateness is real", () => {
  assert.deepEqual(requestFigures({ ...streamed, outcome: "failed" }), {
    e2eMs: Infinity,
    sendToEndMs: Infinity,
    ttftMs: Infinity,
    tpotMs: Infinity,
    latenessMs: 40,
  });
});

Deno.test("a chunk of k tokens is k arrivals at one instant; a failure waits forever for its next", () => {
  assert.deepEqual(itlGapsMs(streamed), [40, 0, 0, 760]);
  assert.deepEqual(itlGapsMs({ ...streamed, arrivals: [[5, 2], [9, 0], [15, 1]] }), [0, 10]);
  assert.deepEqual(itlGapsMs({ ...streamed, outcome: "failed", arrivals: [[160, 1], [200, 1]] }), [
    40,
    Infinity,
  ]);
  assert.deepEqual(itlGapsMs({ ...streamed, outcome: "failed", arrivals: null }), [Infinity]);
  assert.deepEqual(itlGapsMs(sampleOf({})), []);
});

Deno.test("a request meets the SLO when it keeps all limits, to the limit itself", () => {
  assert.ok(meetsSlo(streamed, { e2eMs: 1000, ttftMs: 200, tpotMs: 200 }));
  assert.ok(!meetsSlo(streamed, { e2eMs: 999 }));
  assert.ok(!meetsSlo(streamed, { e2eMs: 1000, ttftMs: 199 }));
  assert.ok(!meetsSlo(streamed, { tpotMs: 199 }));
  assert.ok(!meetsSlo({ ...streamed, outcome: "failed" }, { e2eMs: Infinity }));
});

Deno.test("the first text of an answer in one piece comes with its end, and no token after it", () => {
  assert.ok(meetsSlo(sampleOf({}), { ttftMs: 1000, tpotMs: 1 }));
  assert.ok(!meetsSlo(sampleOf({}), { ttftMs: 999 }));
});
