import assert from "node:assert/strict";
import { randomOf } from "../../tests/support/bench/queue.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Sample, ScheduledRequest } from "../record/sample.ts";
import { atExactRate, judgeTrial, type TrialTurn } from "./trial.ts";

const CAPACITY = 100;

Deno.test("a server of 100 requests a second is found to keep up with 90 and not with 115, at which it answers 100", () => {
  const judged = (rate: number) =>
    Array.from({ length: 8 }, (_, seed) => judgeTrial(turnOf(server(rate, seed), rate), {}));
  assert.ok(judged(90).every(({ outcome, overloadedRate }) => outcome === "kept" && overloadedRate === null));
  for (const { outcome, overloadedRate, why } of judged(115)) {
    assert.equal(outcome, "not_kept");
    assert.match(why, /^Arrivals outran the service/);
    assert.ok(Math.abs(overloadedRate! - CAPACITY) < 3, `${overloadedRate}`);
  }
});

Deno.test("a trial that was cut was not kept, and tells what was under way", () => {
  const { outcome, why } = judgeTrial(
    { ...turnOf(server(90, 1), 90), cut: { afterMs: 4200, underWay: 321 } },
    {},
  );
  assert.deepEqual([outcome, why], ["not_kept", "cut after 4.2 s with 321 requests under way"]);
});

Deno.test("errors beyond 1 % are no way to keep up", () => {
  const samples = server(90, 1).map((sample, at): Sample =>
    at % 50 === 0 ? { ...sample, outcome: "failed", status: "RESOURCE_EXHAUSTED" } : sample
  );
  const { outcome, why } = judgeTrial(turnOf(samples, 90), {});
  assert.equal(outcome, "not_kept");
  assert.match(why, /requests failed \(2\.0 %, the limit is 1 %\): RESOURCE_EXHAUSTED/);
});

Deno.test("with an SLO 95 % of the requests that were sent must keep it", () => {
  const samples = server(90, 1).map((sample, at) => at % 10 === 0 ? { ...sample, firstTextMs: 900 } : sample);
  const judged = judgeTrial(turnOf(samples, 90), { ttftMs: 500 });
  assert.equal(judged.outcome, "not_kept");
  assert.equal(judged.why, "90.0 % kept the SLO, 95 % had to");
  assert.equal(judged.overloadedRate, null, "it was slow, not overloaded");
  assert.equal(judgeTrial(turnOf(samples, 90), { e2eMs: 5000 }).outcome, "kept");
});

Deno.test("a generator that fell behind is to blame, one that was a little late beside a full engine is not", () => {
  const behind = server(90, 1).map((one) => {
    const lateMs = 0.05 * one.intendedAt;
    return { ...one, sentAt: one.sentAt + lateMs, endedAt: one.endedAt + lateMs };
  });
  const { outcome, why } = judgeTrial(turnOf(behind, 90), {});
  assert.equal(outcome, "generator");
  assert.match(why, /^The generator sent /);
  const late = (rate: number) => server(rate, 1).map((one) => ({ ...one, sentAt: one.sentAt + 20 }));
  assert.equal(judgeTrial(turnOf(late(115), 115), {}).outcome, "not_kept");
  assert.equal(judgeTrial(turnOf(late(90), 90), {}).outcome, "kept", "it spoils no trial that was kept");
});

Deno.test("the instants are stretched to just the rate, and the last request only marks the end", () => {
  const stretched = atExactRate([at(0, 30), at(1, 50), at(2, 100)], 4);
  assert.deepEqual(stretched.map(({ index, atMs }) => [index, atMs]), [[0, 150], [1, 250]]);
});

Deno.test("without instants there is nothing to stretch", () => {
  assert.deepEqual(atExactRate([], 4), []);
  assert.deepEqual(atExactRate([at(0, 0), at(1, 0)], 4), [at(0, 0)]);
});

function at(index: number, atMs: number): ScheduledRequest {
  return { index, atMs, class: "default", tenant: "bench", prompt: "", maxTokens: 1, exactOutput: false };
}

function turnOf(samples: Sample[], rate: number): TrialTurn {
  const load = { kind: "open" as const, name: "any", arrivals: { kind: "poisson" as const, rate } };
  return { rate, load, samples, plannedMs: 15_000, cut: null };
}

/** 15 s of evenly jittered arrivals at one server that takes 10 ms for each. */
function server(rate: number, seed: number): Sample[] {
  const random = randomOf(seed);
  let freeAt = 0;
  return Array.from({ length: rate * 15 }, (_, index) => {
    const intendedAt = (index + random()) / rate * 1000;
    freeAt = Math.max(freeAt, intendedAt) + 1000 / CAPACITY;
    return sampleOf({ index, intendedAt, sentAt: intendedAt, endedAt: freeAt, firstTextMs: 5 });
  });
}
