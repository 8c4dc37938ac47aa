import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Sample, ScheduledRequest } from "../record/sample.ts";
import { longestMs, WatchedTurn } from "./watched_turn.ts";

Deno.test("a turn with too much under way is cut once, and tells what was under way then", () => {
  const shown: Sample[] = [];
  using watched = new WatchedTurn(progressInto(shown), 10);
  const { progress, reshape, onSent, cut } = watched.hooks;
  progress.start();
  reshape(scheduleUntil(1000));
  progress.sample(sampleOf({ phase: "warmup" }));
  for (let sent = 0; sent < 20_000; sent++) onSent();
  assert.equal(cut.aborted, false);
  onSent();
  assert.equal(cut.aborted, true);
  assert.equal(watched.cut?.underWay, 20_001);
  progress.sample(sampleOf({ outcome: "interrupted" }));
  onSent();
  assert.equal(watched.cut?.underWay, 20_001, "what comes after the cut changes nothing");
  assert.equal(shown.length, 2);
});

Deno.test("a turn that goes to its end is not cut, and leaves no timer", async () => {
  using watched = new WatchedTurn(progressInto([]), 10);
  const { progress, reshape, onSent } = watched.hooks;
  progress.start();
  reshape(scheduleUntil(10));
  onSent();
  await sleep(5);
  progress.sample(sampleOf({}));
  assert.equal(watched.cut, null);
});

Deno.test("however its requests come, a turn has twice the time until the last of them and ten seconds", () => {
  assert.equal(longestMs(scheduleUntil(106_000)), 222_000);
  assert.equal(longestMs(scheduleUntil(0)), 22_000, "a burst is not cut while it is worked off");
  assert.equal(longestMs([]), 22_000);
});

Deno.test("what is watched are the instants that are sent, those that were reshaped", () => {
  const later = (schedule: readonly ScheduledRequest[]) => schedule.map((one) => ({ ...one, atMs: 7 }));
  using watched = new WatchedTurn(progressInto([]), 10, later);
  assert.deepEqual(watched.hooks.reshape(scheduleUntil(1)).map(({ atMs }) => atMs), [7]);
});

function scheduleUntil(atMs: number): ScheduledRequest[] {
  const request = {
    index: 0,
    class: "default",
    tenant: "bench",
    prompt: "",
    maxTokens: 1,
    exactOutput: false,
  };
  return [{ ...request, atMs }];
}

function progressInto(samples: Sample[]) {
  return { start() {}, sample: (sample: Sample) => void samples.push(sample), [Symbol.dispose]() {} };
}
