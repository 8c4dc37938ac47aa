import assert from "node:assert/strict";
import type { LivePoint } from "./feed.ts";
import { batchAt, helloAt, pointAt, STARTED_AT, tickAt } from "../../tests/support/live_events.ts";
import { after, because, lastMinuteOf, type LiveState, ownMode, ratesOf } from "./state.ts";

Deno.test("nothing is known before the first hello", () => {
  assert.equal(after(undefined, { kind: "tick", tick: tickAt(3) }, 0), undefined);
  assert.equal(after(undefined, { kind: "lost", why: "x" }, 0), undefined);
});

Deno.test("a second has one point, also when a tick comes within it", () => {
  const tick = { ...tickAt(11), point: pointAt(11, { workerState: "down" }) };
  const state = ticked(ticked(hello(10), tickAt(11)), tick);
  assert.deepEqual(state.history.map(({ at }) => (at - STARTED_AT) / 1000), [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
  ]);
  assert.equal(state.history.at(-1)?.workerState, "down");
});

Deno.test("a batch that is told again, now at its end, takes the place of what was told before", () => {
  const running = ticked(hello(10), { ...tickAt(11), batches: [batchAt(11, 22), batchAt(11, 23, true)] });
  assert.deepEqual(running.batches.slice(0, 3).map(({ id, endedAt }) => [id, endedAt === null]), [
    [23, true],
    [22, false],
    [21, true],
  ]);
  const ended = ticked(running, { ...tickAt(12), batches: [batchAt(11, 23)] });
  assert.deepEqual(ended.batches.map(({ id }) => id), running.batches.map(({ id }) => id));
  assert.notEqual(ended.batches[0]?.endedAt, null);
});

Deno.test("what is kept is bounded", () => {
  let state = hello(900);
  for (let second = 901; second < 960; second++) state = ticked(state, tickAt(second));
  assert.deepEqual([state.history.length, state.batches.length], [900, 60]);
});

Deno.test("a loss counts from its beginning, and a new hello ends it, with an engine that counts anew", () => {
  const lost = (state: LiveState, at: number) => after(state, { kind: "lost", why: `at ${at}` }, at)!;
  const gone = lost(lost(hello(500), 1000), 3000);
  assert.deepEqual(gone.lost, { since: 1000, why: "at 3000" });
  const again = after(gone, { kind: "hello", hello: helloAt(2) }, 4000)!;
  assert.equal(again.lost, undefined);
  assert.equal(again.history.length, 2);
  assert.equal(again.batches[0]?.id, 5);
});

Deno.test("rates are means of the last five seconds, or of what there is", () => {
  let state = hello(10);
  for (let second = 11; second <= 15; second++) state = at(state, second, { arrived: second % 2 });
  assert.equal(ratesOf(state).arrived, 3 / 5);
  assert.equal(ratesOf({ ...state, history: [pointAt(1, { arrived: 7 })] }).arrived, 7);
});

Deno.test("the last minute is sixty seconds of time, also when seconds are missing", () => {
  const seconds = [...Array(30).keys(), ...Array.from({ length: 21 }, (_, index) => 80 + index)];
  const history = seconds.map((second) =>
    pointAt(second, second < 30 ? { ended: 1, failed: 1 } : { ended: 2 })
  );
  assert.deepEqual(lastMinuteOf({ ...hello(1), history }), { ended: 42, failed: 0 });
});

Deno.test("modes and reasons have the texts that the engine sent, and an unknown reason is its own text", () => {
  const { hello: { modes }, hello: told } = hello(1);
  assert.deepEqual([ownMode(told)?.name, ownMode(told)?.shape], ["micro_batch", "of 8, window 20 ms"]);
  assert.equal(because(modes, "micro_batch", "full"), "the batch was full");
  assert.equal(because(modes, "micro_batch", "later"), "later");
  assert.equal(because(modes, "later", "full"), "full");
});

function at(state: LiveState, second: number, point: Partial<LivePoint>): LiveState {
  return ticked(state, { ...tickAt(second), point: pointAt(second, point) });
}

function hello(second: number): LiveState {
  return after(undefined, { kind: "hello", hello: helloAt(second) }, 0)!;
}

function ticked(state: LiveState, tick: ReturnType<typeof tickAt>): LiveState {
  return after(state, { kind: "tick", tick }, 0)!;
}
