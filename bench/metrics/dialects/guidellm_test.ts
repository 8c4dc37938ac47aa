import assert from "node:assert/strict";
import { guidellm, ours, vllm } from "./dialects.ts";
import { printed, streamed, WORKED_EXAMPLE } from "../../../tests/support/bench/stream.ts";

Deno.test("GuideLLM counts from sending to the first text, and a request until its stream ends", () => {
  assert.equal(printed(guidellm, "TTFT ms Mean", [WORKED_EXAMPLE]), 60);
  assert.equal(printed(guidellm, "Request Latency Sec Mean", [WORKED_EXAMPLE]), 0.15);
});

Deno.test("GuideLLM's TPOT has the first token in it, its ITL is what others call TPOT", () => {
  // 140 ms for 10 tokens; 140 - 60 ms for the 9 after the first.
  assert.equal(printed(guidellm, "TPOT ms Mean", [WORKED_EXAMPLE]), 14);
  assert.equal(printed(guidellm, "ITL ms Mean", [WORKED_EXAMPLE]), 8.888889);
  // (162 - 72) / 9
  assert.equal(printed(ours, "tpot_mean", [WORKED_EXAMPLE]), 10);
});

Deno.test("GuideLLM weighs a request's ITL by its tokens after the first", () => {
  const tenAToken = streamed([[100, 1], [110, 1]]);
  const twentyAToken = streamed([
    [100, 1],
    ...Array.from({ length: 10 }, (_, i) => [120 + 20 * i, 1] as const),
  ]);
  const samples = [tenAToken, twentyAToken, streamed([[50, 1]])];
  // (1 x 10 + 10 x 20) / 11; the one-token answer weighs nothing. Ours is the mean of the two requests.
  assert.equal(printed(guidellm, "ITL ms Mean", samples), 19.090909);
  assert.equal(printed(guidellm, "ITL ms Mdn", samples), 20);
  assert.equal(printed(ours, "tpot_mean", samples), 15);
  assert.equal(printed(ours, "tpot_p50", samples), 15);
});

Deno.test("GuideLLM's percentile is the lowest value that the share of requests reaches", () => {
  const samples = [10, 20, 20, 40].map((ms) => streamed([[ms, 1]]));
  assert.equal(printed(guidellm, "TTFT ms Mdn", samples), 20);
  assert.equal(printed(guidellm, "TTFT ms Mdn", samples.slice(0, 2)), 10);
  assert.equal(printed(vllm, "Median TTFT (ms)", samples.slice(0, 2)), 15);
  assert.equal(printed(guidellm, "TTFT ms p99", samples), 40);
});

Deno.test("GuideLLM's TTFT of an answer in one piece is 0", () => {
  const piece = streamed([], { arrivals: null, endedAt: 1300, outputTokens: 5 });
  assert.equal(printed(guidellm, "TTFT ms Mean", [streamed([[100, 1]]), piece]), 50);
  assert.equal(printed(ours, "ttft_mean", [streamed([[100, 1]]), piece]), 100);
  // All of the 300 ms over its tokens.
  assert.equal(printed(guidellm, "TPOT ms Mean", [piece]), 60);
});

Deno.test("GuideLLM measures from the first real send, over failures too", () => {
  const late = streamed([[500, 4]], { intendedAt: 1000, sentAt: 1500 });
  const failed = streamed([], { outcome: "failed", intendedAt: 1600, sentAt: 1600, endedAt: 2500 });
  // 1500 to 2500 ms; ours from 1000.
  assert.equal(printed(guidellm, "Requests Per Sec Mean", [late, failed]), 1);
  assert.equal(printed(guidellm, "Output Tokens Per Sec Mean", [late, failed]), 4);
  assert.equal(printed(ours, "req_s", [late, failed]), 0.666667);
  assert.equal(printed(guidellm, "TTFT ms Mean", [late, failed]), 500);
});

Deno.test("two rounds are two runs: the time between them is no one's", () => {
  const samples = [streamed([[1000, 1]]), streamed([[1000, 1]], { intendedAt: 9000, round: 1 })];
  assert.equal(printed(guidellm, "Requests Per Sec Mean", samples), 1);
});
