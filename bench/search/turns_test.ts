import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { scheduleAt } from "../../tests/support/bench/turn.ts";
import type { Load } from "../plan.ts";
import type { Sample, ScheduledRequest } from "../record/sample.ts";
import type { Turn } from "../run/lab.ts";
import { Backlog, firstLook, longestMs, measureTurn, type SearchTurn } from "./turns.ts";

const OPEN: Load = { kind: "open", name: "4/s poisson", arrivals: { kind: "poisson", rate: 4 } };
const TURN: SearchTurn = {
  variant: { name: "direct", mode: "direct", settings: {} },
  load: OPEN,
  round: 0,
  limits: { requests: 10, durationMs: Infinity },
  name: "a turn",
  latencyMs: 10,
};

Deno.test("a turn with too much under way is cut once, and tells what was under way then", async () => {
  const { samples, cut } = await measured((turn) => {
    turn.progress.start();
    turn.reshape?.(scheduleAt([1000]));
    turn.progress.sample(sampleOf({ phase: "warmup" }));
    for (let sent = 0; sent < 20_000; sent++) turn.onSent?.();
    assert.equal(turn.cut?.aborted, false);
    turn.onSent?.();
    assert.equal(turn.cut?.aborted, true);
    turn.progress.sample(sampleOf({ outcome: "interrupted" }));
    turn.onSent?.();
    return [sampleOf({})];
  });
  assert.equal(cut?.underWay, 20_001, "what comes after the cut changes nothing");
  assert.equal(samples.length, 1);
});

Deno.test("a turn that goes to its end is not cut, and leaves no timer", async () => {
  const { cut } = await measured(async (turn) => {
    turn.progress.start();
    turn.reshape?.(scheduleAt([10]));
    turn.onSent?.();
    await sleep(5);
    turn.progress.sample(sampleOf({}));
    return [];
  });
  assert.equal(cut, null);
});

Deno.test("however its requests come, a turn has twice the time until the last of them and ten seconds", () => {
  assert.equal(longestMs(scheduleAt([106_000])), 222_000);
  assert.equal(longestMs(scheduleAt([0])), 22_000, "a burst is not cut while it is worked off");
  assert.equal(longestMs([]), 22_000);
});

Deno.test("what is sent and watched are the instants that were reshaped; a closed loop has none", async () => {
  const reshape = (drawn: readonly ScheduledRequest[]) => drawn.map((one) => ({ ...one, atMs: 7 }));
  await measured((turn) => {
    assert.deepEqual(turn.reshape?.(scheduleAt([1])).map(({ atMs }) => atMs), [7]);
    return [];
  }, { ...TURN, reshape });
  await measured((turn) => {
    assert.equal(turn.cut, undefined);
    return [];
  }, { ...TURN, load: { kind: "closed", name: "8 clients", concurrency: 8 } });
});

Deno.test("a rate far above the capacity is hopeless soon, and one just below it never", () => {
  assert.ok((cutAt({ rate: 400, capacity: 100, latencyMs: 100 }) ?? Infinity) < 4000);
  assert.equal(cutAt({ rate: 95, capacity: 100, latencyMs: 100 }), undefined);
});

Deno.test("an engine that only fills up is not hopeless, nor one that answers in batches of 32 every two seconds", () => {
  assert.equal(cutAt({ rate: 40, capacity: 40, latencyMs: 2000 }), undefined);
  assert.equal(cutAt({ rate: 15, capacity: 16, latencyMs: 2000, batch: 32 }), undefined);
});

Deno.test("a rate that is little above the capacity is left to the trial's verdict", () => {
  assert.equal(cutAt({ rate: 110, capacity: 100, latencyMs: 100 }), undefined);
});

Deno.test("what was sent and has not ended is under way, and too much of it is hopeless at any time", () => {
  const backlog = new Backlog(3000);
  for (let sent = 0; sent <= 20_001; sent++) backlog.sent(sent / 100);
  backlog.ended(150);
  assert.equal(backlog.underWay, 20_001);
  assert.ok(backlog.isHopelessAt(201));
});

Deno.test("a first look counts good answers over the time they took, and the faster ones' latency", () => {
  const samples = Array.from(
    { length: 100 },
    (_, at) => sampleOf({ intendedAt: at * 10, sentAt: at * 10, endedAt: at * 10 + (at < 20 ? 50 : 1010) }),
  );
  const look = firstLook([...samples, sampleOf({ outcome: "interrupted", endedAt: 9e9 })]);
  assert.deepEqual(look, { rate: 50, latencyMs: 50 });
});

Deno.test("without a good answer there is nothing to go by", () => {
  assert.equal(firstLook([sampleOf({ outcome: "failed" })]), null);
});

/** A turn of a lab that does this with it. */
function measured(
  run: (turn: Turn) => readonly Sample[] | Promise<readonly Sample[]>,
  turn: SearchTurn = TURN,
) {
  return measureTurn({ turn: (turn) => Promise.resolve(run(turn)) }, turn);
}

/** When within 15 s a steady load is cut; a request ends once the engine has got to it, and the whole batch with it. */
function cutAt(
  { rate, capacity, latencyMs, batch = 1 }: {
    rate: number;
    capacity: number;
    latencyMs: number;
    batch?: number;
  },
): number | undefined {
  const backlog = new Backlog(Math.max(3000, 3 * latencyMs));
  let ended = 0;
  for (let sent = 0; sent < rate * 15; sent++) {
    const atMs = sent / rate * 1000;
    backlog.sent(atMs);
    const could = Math.floor(Math.max(0, atMs - latencyMs) / 1000 * capacity / batch) * batch;
    for (; ended < Math.min(could, sent); ended++) backlog.ended(atMs);
    if (backlog.isHopelessAt(atMs)) return atMs;
  }
  return undefined;
}
