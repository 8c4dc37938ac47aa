import assert from "node:assert/strict";
import type { Load } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { closedLoop, mm1, randomOf } from "../../tests/support/bench/queue.ts";
import { summarizeCell } from "./summary.ts";

const OPEN: Load = { kind: "open", name: "50/s", arrivals: { kind: "poisson", rate: 50 } };
const CLOSED: Load = { kind: "closed", name: "8 clients", concurrency: 8 };

const findingsOf = (samples: readonly Sample[], load: Load = OPEN) =>
  summarizeCell(samples, load, {}).verdict.findings.map(({ kind, text }) => `${kind}: ${text}`);
const steady = (requests = 500) => mm1(randomOf(1), { requests, load: 0.5 });

Deno.test("a steady run of enough requests is valid", () => {
  assert.deepEqual(summarizeCell(steady(), OPEN, {}).verdict, { valid: true, findings: [] });
  const loop = closedLoop(() => 50, { clients: 8, batches: 40 });
  assert.deepEqual(summarizeCell(loop, CLOSED, {}).verdict, { valid: true, findings: [] });
});

Deno.test("a generator that sends late at p99 is told of in an open loop, one that slows its clients in a closed one", () => {
  const late = steady().map((sample, at) =>
    at % 50 === 0 ? { ...sample, sentAt: sample.intendedAt + 3 } : sample
  );
  assert.deepEqual(findingsOf(late), [
    "generator_late: The generator sent 3.00 ms late at p99, over the limit of 2.00 ms (the greater of 2 ms and 5 % of " +
    "the median E2E latency of 13.8 ms): the load was not the one that was asked for.",
  ]);
  assert.deepEqual(findingsOf(late, CLOSED), [], "now and then late is no slow client");
  const slow = closedLoop(() => 20, { clients: 4, batches: 300 })
    .map((sample) => ({ ...sample, sentAt: sample.intendedAt + 1.2 }));
  assert.deepEqual(findingsOf(slow, CLOSED), [
    "generator_late: The generator took 1.20 ms on average to send the next request of a client that had its answer, over " +
    "the limit of 1.00 ms (5 % of the median E2E latency): it slowed its clients down.",
  ]);
});

Deno.test("the limit of lateness is 5 % of the median TTFT where that is more, and of E2E without streaming", () => {
  const slow = Array.from(
    { length: 500 },
    (_, index) =>
      sampleOf({ index, intendedAt: index * 50, sentAt: index * 50 + 9, endedAt: index * 50 + 200 }),
  );
  assert.deepEqual(findingsOf(slow), []);
  const [finding = ""] = findingsOf(slow.map((sample) => ({ ...sample, firstTextMs: 41 })));
  assert.match(finding, /^generator_late: .*9\.00 ms late .*limit of 2\.50 ms.*median TTFT of 50\.0 ms/);
});

Deno.test("a turn under five times the median latency is too short, and so is a run under a second", () => {
  const [finding, ...others] = findingsOf(closedLoop(() => 2000, { clients: 40, batches: 4 }), CLOSED);
  assert.match(
    finding!,
    /^too_short: Round 1 measured for 8\.00 s, less than 5 times the median E2E latency of 2\.00 s/,
  );
  assert.deepEqual(others, []);
  assert.match(
    findingsOf(closedLoop(() => 5, { clients: 8, batches: 100 }), CLOSED)[0]!,
    /^too_short: All .* 500 ms,/,
  );
  const rounds = [0, 1].flatMap((round) => closedLoop(() => 5, { clients: 8, batches: 100, round }));
  assert.deepEqual(findingsOf(rounds, CLOSED), [], "two rounds of half a second");
});

Deno.test("few requests are told with the percentiles that they can't tell", () => {
  const last = (requests: number) => findingsOf(steady(requests)).at(-1) ?? "";
  assert.match(last(29), /^few_samples: 29 requests are too few for p90, p95 and p99:/);
  assert.match(last(9), /^few_samples: 9 .* for p50, p90, p95 and p99:/);
  assert.doesNotMatch(last(30), /few_samples/);
  assert.match(findingsOf([]).join(), /^few_samples: 0 requests/);
});

Deno.test("more than one failure in a hundred is told with what the failures said", () => {
  const failing = (count: number) =>
    steady().map((sample, at): Sample =>
      at < count
        ? { ...sample, outcome: "failed", status: at < 2 ? "UNAVAILABLE" : "worker_timeout" }
        : sample
    );
  assert.deepEqual(findingsOf(failing(5)), []);
  assert.deepEqual(findingsOf(failing(6)), [
    "errors: 6 of 500 requests failed (1.2 %, the limit is 1 %): worker_timeout 4, UNAVAILABLE 2.",
  ]);
  assert.match(findingsOf(failing(500)).join(), /500 of 500 requests failed \(100 %, /);
});

Deno.test("arrivals that outrun the service make a cell unstable, and nothing else of it", () => {
  const findings = findingsOf(mm1(randomOf(1), { requests: 2000, load: 1.5 }));
  assert.equal(findings.length, 1);
  assert.match(
    findings[0]!,
    /^unstable: Arrivals outran the service: each second of them added [45]\d\d ms to/,
  );
});

Deno.test("later requests that fail where earlier ones were answered are told in words", () => {
  const samples = [0, 1].flatMap((round) => mm1(randomOf(1), { requests: 500, load: 0.5, round })).map(
    (sample): Sample => sample.index < 250 ? sample : { ...sample, outcome: "failed", status: "UNAVAILABLE" },
  );
  const found = findingsOf(samples).at(-1) ?? "";
  assert.match(found, /^unstable: Most of the later requests failed, where earlier ones were answered/);
  assert.doesNotMatch(findingsOf(samples).join(), /Infinity|NaN/);
});

Deno.test("a rate that changes by plan is not judged by its backlog", () => {
  const ramp: Load = { kind: "open", name: "ramp", arrivals: { kind: "ramp", from: 1, to: 100 } };
  const kinds = findingsOf(mm1(randomOf(1), { requests: 2000, load: 1.5 }), ramp).join();
  assert.doesNotMatch(kinds, /unstable/);
});

Deno.test("a closed loop that slows down is unstable", () => {
  const slowing = closedLoop((atMs) => 50 * (1 + atMs / 5000), { clients: 8, batches: 100 });
  assert.match(
    findingsOf(slowing, CLOSED).join(),
    /^unstable: Throughput was not steady: \d+(\.\d+)?, \d+(\.\d+)? and \d+(\.\d+)? requests\/s/,
  );
});
