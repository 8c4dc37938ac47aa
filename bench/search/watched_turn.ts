import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import type { Sample, ScheduledRequest } from "../record/sample.ts";
import type { Turn } from "../run/lab.ts";
import type { TurnProgress } from "../run/progress.ts";
import { Backlog } from "./backlog.ts";

const LEAST_SETTLE_MS: Millis = 3000;
const SETTLE_LATENCIES = 3;
/** After the last request has been sent, answers may take as long again as sending did, and this long. */
const LEAST_DRAIN_MS: Millis = 10_000;
/** Sending counts as this long where it is over sooner, as in a burst. */
const LEAST_SENDING_MS: Millis = 6000;

/** How a turn was cut short. */
export interface Cut {
  readonly afterMs: Millis;
  /** Requests that had been sent and had no answer. */
  readonly underWay: number;
}

/** Cuts an open loop's turn short once its backlog grows beyond doubt, so that no turn takes forever. */
export class WatchedTurn implements Disposable {
  readonly #cutting = new AbortController();
  #watching: { readonly backlog: Backlog; readonly startedAt: Millis } | undefined;
  #cut: Cut | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `latencyMs` is about what an answer takes without a queue; `reshape` may change the drawn instants. */
  constructor(
    private readonly shown: TurnProgress,
    private readonly latencyMs: Millis,
    private readonly reshape = (drawn: readonly ScheduledRequest[]) => drawn,
  ) {}

  /** Null: the turn went to its end. */
  get cut(): Cut | null {
    return this.#cut;
  }

  /** What `Lab.turn` needs to be told of it. */
  get hooks(): Required<Pick<Turn, "progress" | "reshape" | "onSent" | "cut">> {
    return {
      progress: {
        start: () => this.shown.start(),
        sample: (sample) => this.#sample(sample),
        [Symbol.dispose]: () => {}, // this turn's owner disposes of what is shown
      },
      reshape: (drawn) => this.#watch(this.reshape(drawn)),
      onSent: () => this.#sent(),
      cut: this.#cutting.signal,
    };
  }

  /** Only the instants themselves say how long a ramp, steps or a trace take. */
  #watch(schedule: readonly ScheduledRequest[]): readonly ScheduledRequest[] {
    const settleMs = Math.max(LEAST_SETTLE_MS, SETTLE_LATENCIES * this.latencyMs, sendingMs(schedule) / 2);
    this.#watching = { backlog: new Backlog(settleMs), startedAt: now() };
    this.#timer = setTimeout(() => this.#end(), longestMs(schedule));
    return schedule;
  }

  #sent(): void {
    if (!this.#watching) return;
    const { backlog, startedAt } = this.#watching;
    const atMs = now() - startedAt;
    backlog.sent(atMs);
    if (backlog.hopelessAt(atMs)) this.#end();
  }

  #sample(sample: Sample): void {
    if (this.#watching && sample.phase === "measured") {
      this.#watching.backlog.ended(now() - this.#watching.startedAt);
    }
    this.shown.sample(sample);
  }

  #end(): void {
    if (this.#cut || !this.#watching) return;
    const { backlog, startedAt } = this.#watching;
    this.#cut = { afterMs: now() - startedAt, underWay: backlog.underWay };
    this.#cutting.abort();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** After which a turn is cut in any case. Exported for its test. */
export function longestMs(schedule: readonly ScheduledRequest[]): Millis {
  return 2 * sendingMs(schedule) + LEAST_DRAIN_MS;
}

function sendingMs(schedule: readonly ScheduledRequest[]): Millis {
  return Math.max(LEAST_SENDING_MS, schedule.at(-1)?.atMs ?? 0);
}
