import assert from "node:assert/strict";
import { aiperf, guidellm, ours, vllm } from "./dialects.ts";
import { printed, streamed, WORKED_EXAMPLE } from "../../../tests/support/bench/stream.ts";

Deno.test("AIPerf counts from sending, from the first text to the last chunk", () => {
  assert.equal(printed(aiperf, "Time to First Token avg (ms)", [WORKED_EXAMPLE]), 60);
  // To the last chunk; GuideLLM's goes on for 10 ms, to the end of the stream.
  assert.equal(printed(aiperf, "Request Latency avg (ms)", [WORKED_EXAMPLE]), 140);
  assert.equal(printed(guidellm, "Request Latency Sec Mean", [WORKED_EXAMPLE]), 0.15);
});

Deno.test("AIPerf's Inter Token Latency is a mean of each request; its gaps are Inter Chunk Latency", () => {
  // (140 - 60) / (10 - 1)
  assert.equal(printed(aiperf, "Inter Token Latency avg (ms)", [WORKED_EXAMPLE]), 8.888889);
  // 100 - 60 and 140 - 100: the chunk without text is none. vLLM has its gap of 20 too.
  assert.equal(printed(aiperf, "Inter Chunk Latency avg (ms)", [WORKED_EXAMPLE]), 40);
  assert.equal(printed(vllm, "Mean ITL (ms)", [WORKED_EXAMPLE]), 33.333333);
});

Deno.test("AIPerf's requests have equal weight, and its percentiles lie between two values", () => {
  const tenAToken = streamed([[100, 1], [110, 1]]);
  const twentyAToken = streamed([
    [100, 1],
    ...Array.from({ length: 10 }, (_, i) => [120 + 20 * i, 1] as const),
  ]);
  assert.equal(printed(aiperf, "Inter Token Latency avg (ms)", [tenAToken, twentyAToken]), 15);
  assert.equal(printed(aiperf, "Inter Token Latency p50 (ms)", [tenAToken, twentyAToken]), 15);
});

Deno.test("AIPerf's goodput has no place for a one-token answer under a limit of ITL", () => {
  const samples = [streamed([[50, 1]]), streamed([[50, 1], [1000, 1]])];
  // Without ITL it is not good; the other takes 950 ms a token. Under a limit of TTFT both are good, in 1 s.
  assert.equal(printed(aiperf, "Goodput", samples, { tpotMs: 5 }), 0);
  assert.equal(printed(vllm, "Request goodput (req/s)", samples, { tpotMs: 5 }), 1);
  assert.equal(printed(aiperf, "Goodput", samples, { ttftMs: 60 }), 2);
});

Deno.test("AIPerf leaves failures out, and tells the latencies once more with each at infinity", () => {
  const samples = [
    ...[10, 20, 30].map((ms) => streamed([[ms, 1]])),
    streamed([], { outcome: "failed", endedAt: 9000 }),
  ];
  assert.equal(printed(aiperf, "Time to First Token avg (ms)", samples), 20);
  // Rank 2 x 0.99 of 10, 20, 30.
  assert.equal(printed(aiperf, "Time to First Token p99 (ms)", samples), 29.8);
  // Rank 3 x 0.5 = 1.5 of 10, 20, 30, inf: halfway goes to the even rank, 2. Ours is between 20 and 30.
  assert.equal(printed(aiperf, "Time to First Token (error-adjusted) p50 (ms)", samples), 30);
  assert.equal(printed(ours, "ttft_p50", samples), 25);
  assert.equal(printed(aiperf, "Time to First Token (error-adjusted) p99 (ms)", samples), Infinity);
  // 3 from the first send to the last chunk of one that did not fail: 30 ms.
  assert.equal(printed(aiperf, "Request Throughput", samples), 100);
});

Deno.test("AIPerf takes an answer without text for a failure", () => {
  const silent = streamed([[10, 1]], { firstTextMs: null });
  const samples = [silent, streamed([[40, 2]])];
  assert.equal(printed(aiperf, "Output Token Throughput", samples), 50);
  assert.equal(printed(aiperf, "Request Latency (error-adjusted) p99 (ms)", samples), Infinity);
  assert.equal(printed(guidellm, "TTFT ms Mean", samples), 20);
});

Deno.test("two rounds are two runs: the time between them is no one's", () => {
  const samples = [streamed([[1000, 1]]), streamed([[1000, 1]], { intendedAt: 9000, round: 1 })];
  assert.equal(printed(aiperf, "Request Throughput", samples), 1);
});
