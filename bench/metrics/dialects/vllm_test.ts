import assert from "node:assert/strict";
import { aiperf, ours, vllm } from "./dialects.ts";
import { printed, streamed, WORKED_EXAMPLE } from "../../../tests/support/bench/stream.ts";

Deno.test("vLLM counts from sending to the first chunk, with text or not, and to the last one", () => {
  const samples = [WORKED_EXAMPLE];
  assert.equal(printed(vllm, "Mean TTFT (ms)", samples), 40);
  assert.equal(printed(vllm, "Mean E2EL (ms)", samples), 140);
  // (140 - 40) / (10 - 1)
  assert.equal(printed(vllm, "Mean TPOT (ms)", samples), 11.111111);
  // From the intended instant (12 ms earlier) to the first text, and to the end of the stream.
  assert.equal(printed(ours, "ttft_mean", samples), 12 + 60);
  assert.equal(printed(ours, "e2e_mean", samples), 12 + 150);
});

Deno.test("vLLM's ITL has one gap a chunk, however many tokens it brought", () => {
  // 60 - 40, 100 - 60, 140 - 100
  assert.equal(printed(vllm, "Mean ITL (ms)", [WORKED_EXAMPLE]), 33.333333);
  assert.equal(printed(vllm, "Median ITL (ms)", [WORKED_EXAMPLE]), 40);
  // 20, 40, 0, 0, 0, 40, 0, 0, 0
  assert.equal(printed(ours, "itl_mean", [WORKED_EXAMPLE]), 11.111111);
  assert.equal(printed(ours, "itl_p50", [WORKED_EXAMPLE]), 0);
});

Deno.test("vLLM leaves failed requests out of latencies, but its clock runs until the last has failed", () => {
  const samples = [
    streamed([[10, 1]], { endedAt: 2000 }),
    streamed([[30, 1]], { endedAt: 2000 }),
    streamed([], { outcome: "failed", endedAt: 5000 }),
  ];
  assert.equal(printed(vllm, "Mean TTFT (ms)", samples), 20);
  assert.equal(printed(ours, "ttft_mean", samples), Infinity);
  // 2 over 1000 to 5000 ms; AIPerf ends with the last chunk of a valid one, at 1030 ms.
  assert.equal(printed(vllm, "Request throughput (req/s)", samples), 0.5);
  assert.equal(printed(aiperf, "Request Throughput", samples), 66.666667);
});

Deno.test("vLLM gives each request one TPOT of equal weight, and a one-token answer none", () => {
  const tenAToken = streamed([[100, 1], [110, 1]]);
  const twentyAToken = streamed([
    [100, 1],
    ...Array.from({ length: 10 }, (_, i) => [120 + 20 * i, 1] as const),
  ]);
  assert.equal(printed(vllm, "Mean TPOT (ms)", [tenAToken, twentyAToken, streamed([[50, 1]])]), 15);
});

Deno.test("vLLM's goodput takes the TPOT of a one-token answer for 0", () => {
  // One token: TPOT 0. Three in 20 ms: 10 a token, over the limit. Both within 1000 to 2000 ms.
  const samples = [streamed([[50, 1]], { endedAt: 2000 }), streamed([[50, 1], [60, 1], [70, 1]])];
  assert.equal(printed(vllm, "Request goodput (req/s)", samples, { tpotMs: 5 }), 1);
});

Deno.test("vLLM's goodput counts from sending: a late generator costs nothing", () => {
  // 40 ms after sending, 52 after the intended instant; 72 with our first text.
  const perSecond = 1 / 0.162;
  assert.equal(
    printed(vllm, "Request goodput (req/s)", [WORKED_EXAMPLE], { ttftMs: 45 }),
    Number(perSecond.toFixed(6)),
  );
  assert.equal(printed(ours, "goodput", [WORKED_EXAMPLE], { ttftMs: 45 }), 0);
});

Deno.test("vLLM's percentiles lie between two values, and without any it prints 0", () => {
  const samples = [streamed([[10, 1]]), streamed([[20, 1]])];
  assert.equal(printed(vllm, "Median TTFT (ms)", samples), 15);
  assert.equal(printed(vllm, "P99 TTFT (ms)", samples), 19.9);
  assert.equal(printed(vllm, "P99 TTFT (ms)", [streamed([], { outcome: "failed" })]), 0);
});

Deno.test("two rounds are two runs: the time between them is no one's", () => {
  const samples = [
    streamed([[1000, 1]], { intendedAt: 1000 }),
    streamed([[1000, 3]], { intendedAt: 9000, round: 1 }),
  ];
  assert.equal(printed(vllm, "Request throughput (req/s)", samples), 1);
  assert.equal(printed(vllm, "Output token throughput (tok/s)", samples), 2);
});
