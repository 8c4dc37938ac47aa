import assert from "node:assert/strict";
import { Backlog } from "./backlog.ts";

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
  assert.ok(backlog.hopelessAt(201));
});

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
    if (backlog.hopelessAt(atMs)) return atMs;
  }
  return undefined;
}
