import type { Millis, Mode, Submission, WorkerReply } from "./types.ts";
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

/** How many answers a mean remembers. */
const MEMORY = 32;
/** A batch may be answered all at once, so the drain rate remembers at least so many of each row. */
const MEMORY_PER_ROW = 8;
/** A mean that no answer has confirmed for so many times itself says little. */
const STALE = 4;

/**
 * How long a place at the worker takes to come free while requests wait for one, by Little's law: the mean time that a
 * row takes, divided by the mean number of rows that run beside each other. Both are ratios of sums in which older
 * answers weigh less. Neither changes with the pattern of the answers: one by one, or a whole batch at one moment.
 */
export class DrainRate {
  /** Rows at the worker while requests wait for a place; undefined while none waits for one. */
  #rows: number | undefined;
  #at: Millis = 0;
  /** Time in which requests waited for a place, and that time multiplied by the rows that ran meanwhile. */
  #waitedMs = 0;
  #rowMs = 0;
  /** Answers of that time, and how long their rows ran. */
  #answers = 0;
  #serviceMs = 0;

  /** Requests wait for a place, as of the last update. */
  get isContended(): boolean {
    return this.#rows !== undefined;
  }

  /** From now on `rows` run while others wait for a place; undefined: none waits for one. */
  update(rows: number | undefined, now: Millis): void {
    this.#advance(now);
    this.#rows = rows;
  }

  /**
   * A row was answered after so long. One that its caller gives up frees its place as well, but sooner, so it does not
   * count: counted, it would promise most when least is answered in time.
   */
  answered(serviceMs: Millis, now: Millis): void {
    if (this.#rows === undefined) return;
    this.#advance(now);
    const kept = 1 - 1 / Math.max(MEMORY, MEMORY_PER_ROW * this.#meanRows());
    this.#waitedMs *= kept;
    this.#rowMs *= kept;
    this.#answers = this.#answers * kept + 1;
    this.#serviceMs = this.#serviceMs * kept + serviceMs;
  }

  /** Expected wait behind so many requests; undefined while nothing has been seen. */
  waitMs(depth: number, now: Millis): Millis | undefined {
    this.#advance(now);
    if (this.#answers === 0 || this.#rowMs === 0) return undefined;
    return depth * this.#serviceMs / this.#answers / this.#meanRows();
  }

  #meanRows(): number {
    return this.#waitedMs === 0 ? this.#rows ?? 0 : this.#rowMs / this.#waitedMs;
  }

  #advance(now: Millis): void {
    if (this.#rows !== undefined) {
      this.#waitedMs += now - this.#at;
      this.#rowMs += this.#rows * (now - this.#at);
    }
    this.#at = now;
  }
}

/** The mean time from dispatch to answer, and the mean number of tokens that it gave. */
export class ServiceTime {
  #mean: { readonly ms: Millis; readonly tokens: number } | undefined;
  #at: Millis = 0;

  /** One answer of so many tokens took so long. */
  took(ms: Millis, tokens: number, now: Millis): void {
    const weight = this.#isStale(now) ? 1 / 2 : 1 / MEMORY;
    const mean = this.#mean ?? { ms, tokens };
    this.#mean = {
      ms: mean.ms + (ms - mean.ms) * weight,
      tokens: mean.tokens + (tokens - mean.tokens) * weight,
    };
    this.#at = now;
  }

  /**
   * Expected time of an answer of at most `maxTokens`: the mean, or a share of it where that is fewer than answers have
   * in the mean. Undefined while nothing has been answered, or not lately.
   */
  estimateMs(maxTokens: number, now: Millis): Millis | undefined {
    if (!this.#mean || this.#isStale(now)) return undefined;
    const { ms, tokens } = this.#mean;
    return maxTokens < tokens ? ms * maxTokens / tokens : ms;
  }

  #isStale(now: Millis): boolean {
    return this.#mean !== undefined && now - this.#at > STALE * this.#mean.ms;
  }
}
