import type { Millis, Mode, Submission, WorkerReply } from "./types.ts";
import { DrainRate, ServiceTime } from "./drain_rate.ts";
import type { CoreLimits, Outcome } from "./events.ts";

/** An estimate is off by about this much, so a deadline is out of reach only beyond it. */
const ESTIMATE_MARGIN = 1.2;
const RETRY_AFTER_MS = { least: 50, unknown: 1000, most: 30_000 };

/**
 * Which requests one mode's queue takes: by the limits, which hold for this queue alone, and by what it and the worker
 * took so far for requests of this mode. What waits elsewhere refuses nobody here.
 */
export class Admission {
  readonly #drainRate = new DrainRate();
  readonly #serviceTime = new ServiceTime();
  #requests = 0;
  #bytes = 0;

  constructor(
    private readonly mode: Mode,
    private readonly limits: Pick<CoreLimits, "queueCapacity" | "queueBytes" | "refuseLate">,
  ) {}

  /** That wait. */
  get requests(): number {
    return this.#requests;
  }

  /** Of their prompts. */
  get bytes(): number {
    return this.#bytes;
  }

  entered({ promptBytes }: Submission): void {
    this.#requests++;
    this.#bytes += promptBytes;
  }

  left({ promptBytes }: Submission): void {
    this.#requests--;
    this.#bytes -= promptBytes;
  }

  /** So many rows of this mode run while others wait for a place; undefined: none waits for one. */
  update(rows: number | undefined, now: Millis): void {
    this.#drainRate.update(rows, now);
  }

  /** One of this mode ended so long after its dispatch; only one that is ok tells how long an answer takes. */
  answered(serviceMs: Millis, { status, outputTokens }: WorkerReply, now: Millis): void {
    this.#drainRate.answered(serviceMs, now);
    if (status === "ok") this.#serviceTime.took(serviceMs, outputTokens, now);
  }

  isFull({ promptBytes }: Submission): boolean {
    const { queueCapacity, queueBytes } = this.limits;
    return this.#requests >= queueCapacity || this.#bytes + promptBytes > queueBytes;
  }

  /** Why a request that arrives now can't be taken; undefined when it can. */
  refusal(submission: Submission, now: Millis): Outcome | undefined {
    const waitMs = this.#drainRate.waitMs(this.#requests, now);
    if (!this.isFull(submission)) {
      const why = this.#late(waitMs, submission, now);
      return why === undefined ? undefined : refused(why, waitMs);
    }
    const { queueCapacity, queueBytes } = this.limits;
    const why = this.#requests >= queueCapacity
      ? `${this.#requests} requests wait, QUEUE_CAPACITY is ${queueCapacity}`
      : `${this.#bytes} bytes of prompts wait, QUEUE_BYTES is ${queueBytes} ` +
        `and this prompt has ${submission.promptBytes}`;
    return refused(`the queue of mode ${this.mode} is full: ${why}`, waitMs);
  }

  /** Why one that has waited for a place is not worth one: it would hold it until its deadline for nothing. */
  tooLate({ deadline, maxTokens }: Submission, now: Millis): Outcome | undefined {
    const serviceMs = this.#serviceTime.estimateMs(maxTokens, now);
    if (!this.limits.refuseLate || deadline === undefined || serviceMs === undefined) return undefined;
    const neededMs = serviceMs * ESTIMATE_MARGIN;
    if (neededMs <= deadline - now) return undefined;
    const why =
      `the deadline can't be met any more: it is ${Math.round(deadline - now)} ms away, and an answer ` +
      `takes about ${Math.round(neededMs)} ms (REFUSE_LATE)`;
    return refused(why, this.#drainRate.waitMs(this.#requests, now));
  }

  /** Why its deadline can't be met given the queue. */
  #late(waitMs: Millis | undefined, { deadline, maxTokens }: Submission, now: Millis): string | undefined {
    const serviceMs = this.#serviceTime.estimateMs(maxTokens, now);
    if (!this.limits.refuseLate || deadline === undefined || this.#requests === 0) return undefined;
    if (!this.#drainRate.isContended) return undefined; // they wait for their window, or for a worker
    if (waitMs === undefined || serviceMs === undefined) return undefined;
    const neededMs = (waitMs + serviceMs) * ESTIMATE_MARGIN;
    const leftMs = deadline - now;
    if (neededMs <= leftMs) return undefined;
    return `the deadline can't be met: it is ${Math.round(leftMs)} ms away, and with ` +
      `${this.#requests} requests of mode ${this.mode} waiting an answer takes about ` +
      `${Math.round(neededMs)} ms (REFUSE_LATE)`;
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
