import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/types.ts";
import type { Sample } from "../record/sample.ts";
import type { Turn } from "../run/lab.ts";
import type { TurnProgress } from "../run/progress.ts";
import { Backlog } from "./backlog.ts";

const LEAST_SETTLE_MS: Millis = 3000;
const SETTLE_LATENCIES = 3;
/** After the last request has been sent, answers may take as long again as sending did, and this long. */
const LEAST_DRAIN_MS: Millis = 10_000;

/** How a turn was cut short. */
export interface Cut {
  readonly afterMs: Millis;
  /** Requests that had been sent and had no answer. */
  readonly underWay: number;
}

/** Cuts an open loop's turn short once its backlog grows beyond doubt, so that no turn takes forever. */
export class WatchedTurn implements Disposable {
  readonly #backlog: Backlog;
  readonly #cutting = new AbortController();
  #startedAt: Millis | undefined;
  #cut: Cut | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Its requests come within `plannedMs`; `latencyMs` is about what an answer takes without a queue. */
  constructor(
    private readonly shown: TurnProgress,
    private readonly plannedMs: Millis,
    latencyMs: Millis,
  ) {
    this.#backlog = new Backlog(Math.max(LEAST_SETTLE_MS, SETTLE_LATENCIES * latencyMs, plannedMs / 2));
  }

  /** Null: the turn went to its end. */
  get cut(): Cut | null {
    return this.#cut;
  }

  /** What `Lab.turn` needs to be told of it. */
  get hooks(): Pick<Turn, "progress" | "onSent" | "cut"> {
    return {
      progress: {
        start: () => this.#start(),
        sample: (sample) => this.#sample(sample),
        [Symbol.dispose]: () => {}, // this turn's owner disposes of what is shown
      },
      onSent: () => this.#sent(),
      cut: this.#cutting.signal,
    };
  }

  #start(): void {
    this.#startedAt = now();
    const mostMs = 2 * this.plannedMs + LEAST_DRAIN_MS;
    this.#timer = setTimeout(() => this.#end(), mostMs);
    this.shown.start();
  }

  #sent(): void {
    const atMs = this.#elapsedMs();
    this.#backlog.sent(atMs);
    if (this.#backlog.hopelessAt(atMs)) this.#end();
  }

  #sample(sample: Sample): void {
    if (sample.phase === "measured") this.#backlog.ended(this.#elapsedMs());
    this.shown.sample(sample);
  }

  #end(): void {
    if (this.#cut) return;
    this.#cut = { afterMs: this.#elapsedMs(), underWay: this.#backlog.underWay };
    this.#cutting.abort();
  }

  #elapsedMs(): Millis {
    return this.#startedAt === undefined ? 0 : now() - this.#startedAt;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
