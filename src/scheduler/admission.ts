import type { Millis, Submission } from "../types.ts";
import { DrainRate, ServiceTime } from "./drain_rate.ts";
import type { CoreLimits, Outcome } from "./events.ts";

/** What waits in the queue. */
export interface QueueLoad {
  readonly requests: number;
  /** Of their prompts. */
  readonly bytes: number;
}

/** An estimate is off by about this much, so a deadline is out of reach only beyond it. */
const ESTIMATE_MARGIN = 1.2;
const RETRY_AFTER_MS = { least: 50, unknown: 1000, most: 30_000 };

/** Which requests are taken, from the limits and from what the queue and the worker took so far. */
export class Admission {
  readonly drainRate = new DrainRate();
  readonly serviceTime = new ServiceTime();

  constructor(private readonly limits: Pick<CoreLimits, "queueCapacity" | "queueBytes" | "refuseLate">) {}

  isFull({ requests, bytes }: QueueLoad, { promptBytes }: Submission): boolean {
    const { queueCapacity, queueBytes } = this.limits;
    return requests >= queueCapacity || bytes + promptBytes > queueBytes;
  }

  /** Why a request that arrives now can't be taken; undefined when it can. */
  refusal(load: QueueLoad, submission: Submission, now: Millis): Outcome | undefined {
    const { requests, bytes } = load;
    const waitMs = this.drainRate.waitMs(requests);
    if (!this.isFull(load, submission)) {
      const why = this.#late(requests, waitMs, submission, now);
      return why === undefined ? undefined : refused(why, waitMs);
    }
    const { queueCapacity, queueBytes } = this.limits;
    const why = requests >= queueCapacity
      ? `${requests} requests wait, QUEUE_CAPACITY is ${queueCapacity}`
      : `${bytes} bytes of prompts wait, QUEUE_BYTES is ${queueBytes} and this prompt has ${submission.promptBytes}`;
    return refused(`the queue is full: ${why}`, waitMs);
  }

  /** Why one that has waited is not worth a place at the worker: it would hold it until its deadline for nothing. */
  tooLate({ deadline }: Submission, now: Millis): Outcome | undefined {
    const serviceMs = this.serviceTime.meanMs(now);
    if (!this.limits.refuseLate || deadline === undefined || serviceMs === undefined) return undefined;
    const neededMs = serviceMs * ESTIMATE_MARGIN;
    if (neededMs <= deadline - now) return undefined;
    const why =
      `the deadline can't be met any more: it is ${Math.round(deadline - now)} ms away, and an answer ` +
      `takes about ${Math.round(neededMs)} ms (REFUSE_LATE)`;
    return refused(why, undefined);
  }

  /** Why its deadline can't be met given the queue. */
  #late(
    requests: number,
    waitMs: Millis | undefined,
    { deadline }: Submission,
    now: Millis,
  ): string | undefined {
    const serviceMs = this.serviceTime.meanMs(now);
    if (!this.limits.refuseLate || deadline === undefined || requests === 0) return undefined;
    if (waitMs === undefined || serviceMs === undefined) return undefined;
    const neededMs = (waitMs + serviceMs) * ESTIMATE_MARGIN;
    const leftMs = deadline - now;
    if (neededMs <= leftMs) return undefined;
    return `the deadline can't be met: it is ${
      Math.round(leftMs)
    } ms away, and with ${requests} requests waiting ` +
      `an answer takes about ${Math.round(neededMs)} ms (REFUSE_LATE)`;
  }
}

function refused(why: string, waitMs: Millis | undefined): Outcome {
  const { least, most, unknown } = RETRY_AFTER_MS;
  // Half the queue's time: who is refused comes back before it runs empty.
  const hintMs = waitMs === undefined ? unknown : Math.min(most, Math.max(least, waitMs / 2));
  const retryAfterMs = Math.round(hintMs);
  const message = `${why}; try again in ${retryAfterMs} ms`;
  return { kind: "refused", code: "resource_exhausted", message, retryAfterMs };
}
