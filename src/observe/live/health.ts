import type { WorkerState } from "../../core/types.ts";
import type { LiveHealth } from "../../live/feed.ts";
import { counted, percent } from "../../live/format.ts";

/** How it stands with the engine now, and went in the last 30 s. */
export interface Condition {
  /** The engine takes no more requests. */
  readonly stopping: boolean;
  readonly workerState: WorkerState;
  /** Why the worker is not up; may be empty. */
  readonly workerDetail: string;
  /** The trouble of the worker that serve keeps running; empty while there is none. */
  readonly problem: string;
  readonly schedulerAnswers: boolean;
  readonly queueDepth: number;
  /** Requests in the fullest of the modes' queues, each with `queueCapacity` places. */
  readonly fullestQueue: number;
  readonly queueCapacity: number;
  /** Requests that ended in the last 30 s, and those that the engine or its worker failed. */
  readonly ended: number;
  readonly troubled: number;
  /** The status that the latest of these ended with. */
  readonly trouble: string;
}

/** From this share on a burst is likely to be refused. */
const NEARLY_FULL = 0.8;
/** Above this share of failures the engine is degraded. */
const TROUBLED_SHARE = 0.01;

/** Is the engine well? The gravest of what is wrong, in a sentence. */
export function judgeHealth(condition: Condition): LiveHealth {
  const {
    workerState,
    workerDetail,
    problem,
    queueDepth,
    fullestQueue,
    queueCapacity,
    ended,
    troubled,
    trouble,
  } = condition;
  const waiting = queueDepth > 0
    ? `; ${counted(queueDepth, "request")} ${queueDepth === 1 ? "waits" : "wait"}`
    : "";
  if (condition.stopping) {
    return { state: "draining", why: `The engine stops: it ends what it has and takes no more${waiting}.` };
  }
  if (!condition.schedulerAnswers) return { state: "down", why: "The scheduler thread does not answer." };
  if (workerState === "down") {
    const detail = [workerDetail, problem].filter(Boolean).join("; ") || "it is down";
    return { state: "down", why: `No worker: ${detail}${waiting}.` };
  }
  if (workerState === "draining") {
    return { state: "draining", why: `The worker ends what it has and takes no more${waiting}.` };
  }
  if (fullestQueue >= queueCapacity * NEARLY_FULL) {
    const room = `${fullestQueue} of ${queueCapacity} places are taken`;
    return { state: "degraded", why: `The queue is nearly full: ${room}; what goes beyond is refused.` };
  }
  if (troubled > 0 && troubled >= ended * TROUBLED_SHARE) {
    const share = `${troubled} of ${counted(ended, "request")} (${percent(troubled / ended)})`;
    return { state: "degraded", why: `${share} failed in the last 30 s, the latest as ${trouble}.` };
  }
  if (problem) return { state: "degraded", why: `The worker serves, but: ${problem}.` };
  const failed = troubled > 0 ? `${troubled} of them failed` : "none failed";
  const recent = ended > 0 ? `${counted(ended, "request")} ended in the last 30 s, ${failed}` : "nobody asks";
  return { state: "ok", why: `The worker serves; ${recent}${waiting}.` };
}
