import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { sampleOf } from "../record/sample_support.ts";
import type { Sample } from "../record/sample.ts";
import { WatchedTurn } from "./watched_turn.ts";

Deno.test("a turn with too much under way is cut once, and tells what was under way then", () => {
  const shown: Sample[] = [];
  using watched = new WatchedTurn(progressInto(shown), 1000, 10);
  const { progress, onSent, cut } = watched.hooks;
  progress.start();
  progress.sample(sampleOf({ phase: "warmup" }));
  for (let sent = 0; sent < 20_000; sent++) onSent?.();
  assert.equal(cut?.aborted, false);
  onSent?.();
  assert.equal(cut?.aborted, true);
  assert.equal(watched.cut?.underWay, 20_001);
  progress.sample(sampleOf({ outcome: "interrupted" }));
  onSent?.();
  assert.equal(watched.cut?.underWay, 20_001, "what comes after the cut changes nothing");
  assert.equal(shown.length, 2);
});

Deno.test("a turn that goes to its end is not cut, and leaves no timer", async () => {
  using watched = new WatchedTurn(progressInto([]), 10, 10);
  const { progress, onSent } = watched.hooks;
  progress.start();
  onSent?.();
  await sleep(5);
  progress.sample(sampleOf({}));
  assert.equal(watched.cut, null);
});

function progressInto(samples: Sample[]) {
  return { start() {}, sample: (sample: Sample) => void samples.push(sample), [Symbol.dispose]() {} };
}
