import assert from "node:assert/strict";
import { type Condition, judgeHealth } from "./health.ts";

const WELL: Condition = {
  stopping: false,
  workerState: "up",
  workerDetail: "",
  problem: "",
  schedulerAnswers: true,
  queueDepth: 0,
  fullestQueue: 0,
  queueCapacity: 1000,
  ended: 300,
  troubled: 0,
  trouble: "",
};

const CASES: ReadonlyArray<readonly [what: string, Partial<Condition>, state: string, why: string]> = [
  ["all is well", {}, "ok", "The worker serves; 300 requests ended in the last 30 s, none failed."],
  ["nobody asks", { ended: 0 }, "ok", "The worker serves; nobody asks."],
  [
    "the engine stops, whatever else is",
    { stopping: true, workerState: "down", queueDepth: 2 },
    "draining",
    "The engine stops: it ends what it has and takes no more; 2 requests wait.",
  ],
  [
    "requests wait",
    { ended: 1, queueDepth: 1 },
    "ok",
    "The worker serves; 1 request ended in the last 30 s, none failed; 1 request waits.",
  ],
  [
    "one in a thousand fails",
    { ended: 1000, troubled: 1, trouble: "worker_timeout" },
    "ok",
    "The worker serves; 1,000 requests ended in the last 30 s, 1 of them failed.",
  ],
  [
    "one in a hundred fails",
    { troubled: 3, trouble: "worker_timeout" },
    "degraded",
    "3 of 300 requests (1 %) failed in the last 30 s, the latest as worker_timeout.",
  ],
  [
    "the queue fills",
    { queueDepth: 900, fullestQueue: 800 },
    "degraded",
    "The queue is nearly full: 800 of 1000 places are taken; what goes beyond is refused.",
  ],
  [
    "the supervisor has something to say",
    { problem: "it crashed twice" },
    "degraded",
    "The worker serves, but: it crashed twice.",
  ],
  [
    "the worker drains",
    { workerState: "draining", queueDepth: 2 },
    "draining",
    "The worker ends what it has and takes no more; 2 requests wait.",
  ],
  [
    "the worker is gone",
    {
      workerState: "down",
      workerDetail: "connection refused",
      problem: "starts again in 2 s",
      queueDepth: 5,
    },
    "down",
    "No worker: connection refused; starts again in 2 s; 5 requests wait.",
  ],
  [
    "the scheduler is silent",
    { schedulerAnswers: false, workerState: "down" },
    "down",
    "The scheduler thread does not answer.",
  ],
];

for (const [what, condition, state, why] of CASES) {
  Deno.test(`health when ${what}: ${state}`, () => {
    assert.deepEqual(judgeHealth({ ...WELL, ...condition }), { state, why });
  });
}
