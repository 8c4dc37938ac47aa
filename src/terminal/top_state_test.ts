import assert from "node:assert/strict";
import { batchAt, helloAt, pointAt, STARTED_AT, tickAt } from "../../tests/support/live_events.ts";
import { after, type TopState } from "./top_state.ts";

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
  const lost = (state: TopState, at: number) => after(state, { kind: "lost", why: `at ${at}` }, at)!;
  const gone = lost(lost(hello(500), 1000), 3000);
  assert.deepEqual(gone.lost, { since: 1000, why: "at 3000" });
  const again = after(gone, { kind: "hello", hello: helloAt(2) }, 4000)!;
  assert.equal(again.lost, undefined);
  assert.equal(again.history.length, 2);
  assert.equal(again.batches[0]?.id, 5);
});

function hello(second: number): TopState {
  return after(undefined, { kind: "hello", hello: helloAt(second) }, 0)!;
}

function ticked(state: TopState, tick: ReturnType<typeof tickAt>): TopState {
  return after(state, { kind: "tick", tick }, 0)!;
}
