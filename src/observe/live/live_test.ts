import assert from "node:assert/strict";
import type { ThreadStats, WorkerStatus } from "../../core/types.ts";
import { engineStopped, metricsOf, settingsOf, STATS, UP } from "../../../tests/support/observed_engine.ts";
import { LiveFeed } from "./live.ts";
import type { LiveFeedOptions } from "./live_record.ts";
import type { LiveTick } from "../../live/feed.ts";
import { notice, openRequest } from "../../../tests/support/observed_requests.ts";

function feedOf(options: Partial<LiveFeedOptions> = {}): LiveFeed {
  return new LiveFeed({
    settings: settingsOf(),
    startedAt: 500,
    counts: metricsOf().counts,
    worker: () => UP,
    supervision: { restarts: 0, problem: "" },
    stats: () => Promise.resolve(STATS),
    openRequests: () => [],
    stopping: () => false,
    ...options,
  });
}

/** The next so many ticks; rejects when they do not come. */
async function ticks(feed: LiveFeed, count: number): Promise<LiveTick[]> {
  const got: LiveTick[] = [];
  const all = Promise.withResolvers<void>();
  const timer = setTimeout(() => all.reject(new Error(`${got.length} of ${count} ticks came`)), 10_000);
  using _listening = feed.subscribe((tick) => {
    if (got.push(tick) === count) all.resolve();
  });
  await all.promise.finally(() => clearTimeout(timer));
  return got;
}

Deno.test("it ticks by itself, to all listeners, and a second is in the next hello too", async () => {
  using feed = feedOf();
  const [[mine], [yours]] = await Promise.all([ticks(feed, 1), ticks(feed, 1)]);
  assert.equal(mine, yours);
  assert.equal(mine!.point.queueDepth, STATS.queueDepth);
  assert.deepEqual(feed.hello().history, [mine!.point]);
});

Deno.test("a scheduler that is silent or dead does not stop the ticks", async () => {
  const silent = () => new Promise<ThreadStats>(() => {});
  using first = feedOf({ stats: silent });
  using second = feedOf({ stats: engineStopped });
  for (const told of await Promise.all([ticks(first, 4), ticks(second, 4)])) {
    assert.equal(told.at(-1)!.health.why, "The scheduler thread does not answer.");
    assert.equal(told.at(-1)!.point.at > told[0]!.point.at, true);
  }
});

Deno.test("when the worker's state changes a tick comes at once", () => {
  let worker: WorkerStatus = UP;
  using feed = feedOf({ worker: () => worker });
  const told: LiveTick[] = [];
  feed.subscribe((tick) => told.push(tick));
  worker = { state: "down", detail: "connection refused" };
  feed.workerChanged();
  assert.equal(told[0]!.worker.state, "down");
  assert.equal(told[0]!.health.why, "No worker: connection refused.");
});

Deno.test("who has ended its subscription hears nothing more; who comes later hears no old news", () => {
  using feed = feedOf();
  const told: LiveTick[] = [];
  const first = feed.subscribe((tick) => told.push(tick));
  first[Symbol.dispose]();
  feed.dispatched(notice(), [openRequest()]);
  feed.workerChanged();
  feed.subscribe((tick) => told.push(tick));
  feed.workerChanged();
  assert.deepEqual(told.map(({ batches }) => batches.length), [0]);
  assert.equal(feed.hello().batches.length, 1);
});
