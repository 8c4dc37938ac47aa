import assert from "node:assert/strict";
import { guidellm, mlperf, ours, vllm } from "./dialects.ts";
import { printed, streamed, WORKED_EXAMPLE } from "../../../tests/support/bench/stream.ts";

Deno.test("LoadGen counts from the scheduled instant to the first token and to the end", () => {
  // 12 + 40, 12 + 150 ms, and (162 - 52) / 9 ms cut to whole nanoseconds.
  assert.equal(printed(mlperf, "Mean First Token latency (ns)", [WORKED_EXAMPLE]), 52e6);
  assert.equal(printed(mlperf, "Mean latency (ns)", [WORKED_EXAMPLE]), 162e6);
  assert.equal(printed(mlperf, "Mean Time per Output Token (ns)", [WORKED_EXAMPLE]), 12_222_222);
});

Deno.test("LoadGen's percentile is the value at rank n x p, from 0: of two it is the upper one", () => {
  const samples = [streamed([[10, 1]]), streamed([[20, 1]])];
  assert.equal(printed(mlperf, "50.00 percentile first token latency (ns)", samples), 20e6);
  assert.equal(printed(guidellm, "TTFT ms Mdn", samples), 10);
  assert.equal(printed(vllm, "Median TTFT (ms)", samples), 15);
});

Deno.test("LoadGen's p99 of a hundred values is the highest", () => {
  const samples = Array.from({ length: 100 }, (_, index) => streamed([[index + 1, 1]]));
  assert.equal(printed(mlperf, "99.00 percentile latency (ns)", samples), 100e6);
  assert.equal(printed(guidellm, "Request Latency Sec p99", samples), 0.099);
  assert.equal(printed(ours, "e2e_p99", samples), 99.01);
});

Deno.test("LoadGen counts one query less, until the one scheduled last has ended", () => {
  const samples = [
    streamed([[8000, 4]], { intendedAt: 1000 }),
    streamed([[1000, 6]], { intendedAt: 2000 }),
  ];
  // 1 query and 10 tokens in 1000 to 3000 ms; ours 2 queries in 1000 to 9000 ms.
  assert.equal(printed(mlperf, "Completed samples per second", samples), 0.5);
  assert.equal(printed(mlperf, "Completed tokens per second", samples), 5);
  assert.equal(printed(ours, "req_s", samples), 0.25);
});

Deno.test("LoadGen gives a one-token answer a negative TPOT and no token", () => {
  const single = streamed([[100, 1]], { endedAt: 1130 });
  // (130 - 100) / (0 - 1)
  assert.equal(printed(mlperf, "Mean Time per Output Token (ns)", [single]), -30e6);
  assert.equal(printed(mlperf, "Completed tokens per second", [single]), 0);
  assert.ok(mlperf.score([single], {}).remarks.some((remark) => remark.includes("1 one-token answers")));
});

Deno.test("LoadGen's figures leave failures out, and a remark says that it would wait for them", () => {
  const samples = [streamed([[10, 1]]), streamed([], { outcome: "failed", endedAt: 9000 })];
  assert.equal(printed(mlperf, "Mean First Token latency (ns)", samples), 10e6);
  assert.ok(mlperf.score(samples, {}).remarks.some((remark) => remark.includes("wait for 1 answers")));
});

Deno.test("a run is valid when the last query is scheduled 600 s after the first and p99 keeps both limits", () => {
  const first = streamed([[2000, 1], [2200, 1]]);
  const last = streamed([[2000, 1], [2200, 1]], { intendedAt: 601_000 });
  assert.deepEqual(mlperf.score([first, last], {}).remarks, []);
  const early = streamed([[2000, 1], [2200, 1]], { intendedAt: 600_999 });
  assert.match(
    mlperf.score([first, early], {}).remarks.join(),
    /600\.0 s after the first; min_duration is 600 s/,
  );
  const slow = streamed([[2001, 1], [2202, 1]], { intendedAt: 601_000 });
  assert.match(mlperf.score([first, slow], {}).remarks.join(), /TTFT .* 2001\.0 ms.*TPOT .* 201\.0 ms/);
  assert.match(mlperf.score([first, last], { ttftMs: 100 }).remarks.join(), /its limit is 100 ms/);
});

Deno.test("a closed loop is no server scenario", () => {
  assert.match(
    mlperf.score([streamed([[10, 2]], { client: 0 })], {}).remarks.join(),
    /this is a closed loop/,
  );
});

Deno.test("two rounds are two runs, and each counts one query less", () => {
  const round = (round: number, at: number) => [
    streamed([[500, 1]], { intendedAt: at, round }),
    streamed([[500, 1]], { intendedAt: at + 500, round }),
  ];
  assert.equal(printed(mlperf, "Completed samples per second", [...round(0, 1000), ...round(1, 9000)]), 1);
});
