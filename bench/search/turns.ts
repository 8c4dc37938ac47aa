/** The turns of a search: a first look at a variant, and turns that end once their backlog grows beyond doubt. */
// @ts-types="@types/d3-array"
import { bisectRight, max, min } from "d3-array";
import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import { percentile } from "../../src/percentile.ts";
import type { Load, Variant } from "../plan.ts";
import type { Sample, ScheduledRequest } from "../record/sample.ts";
import type { Lab, Turn } from "../run/lab.ts";
import { showTurn } from "../run/progress.ts";

/** What a search needs of the lab. */
export type SearchLab = Pick<Lab, "turn">;

/** What a first look at a variant says of it. */
export interface FirstLook {
  /** Answers a second to clients that each wait for theirs: a guess of the capacity, too low where more clients would help. */
  readonly rate: number;
  /** What the faster answers took: about the latency without a queue. */
  readonly latencyMs: Millis;
}

/** No flag and no file gives a load this name, so a look is never counted with the turns of a cell that is asked for. */
const LOOK_LOAD: Load = { kind: "closed", name: "a first look, 32 clients", concurrency: 32 };
const LOOK_LIMITS = { requests: Infinity, durationMs: 5000 };
/** A slow variant is looked at for longer, until it has given so many answers. */
const LEAST_ANSWERS = 8;
const FASTER_PERCENT = 10;

/** Looks at a variant with a closed loop's burst of 5 s. Null: it gave no answer. */
export async function lookAt(lab: SearchLab, variant: Variant, name: string): Promise<FirstLook | null> {
  using shown = showTurn(name, LOOK_LIMITS);
  const enough = new AbortController();
  let answers = 0;
  let isTimeOver = false;
  const endIfEnough = () => {
    if (isTimeOver && answers >= LEAST_ANSWERS) enough.abort();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const progress = {
    start: () => {
      timer = setTimeout(() => {
        isTimeOver = true;
        endIfEnough();
      }, LOOK_LIMITS.durationMs);
      shown.start();
    },
    sample: (sample: Sample) => {
      shown.sample(sample);
      if (sample.phase !== "measured" || sample.outcome === "interrupted") return;
      answers++;
      endIfEnough();
    },
  };
  const turn = { variant, load: LOOK_LOAD, round: 0, limits: LOOK_LIMITS, progress, cut: enough.signal };
  const samples = await lab.turn(turn);
  clearTimeout(timer);
  return firstLook(samples);
}

/** Exported for its test. */
export function firstLook(samples: readonly Sample[]): FirstLook | null {
  const ok = samples.filter(({ outcome }) => outcome === "ok");
  if (ok.length === 0) return null;
  const from = min(ok, ({ sentAt }) => sentAt) ?? 0;
  const until = max(ok, ({ endedAt }) => endedAt) ?? 0;
  const latencies = ok.map(({ intendedAt, endedAt }) => endedAt - intendedAt).sort((a, b) => a - b);
  return {
    rate: ok.length / Math.max(until - from, 1) * 1000,
    latencyMs: percentile(latencies, FASTER_PERCENT),
  };
}

export interface SearchTurn extends Pick<Turn, "variant" | "load" | "round" | "limits"> {
  readonly name: string;
  /** About what an answer takes without a queue. */
  readonly latencyMs: Millis;
  /** May change the drawn instants of an open loop. */
  reshape?(drawn: readonly ScheduledRequest[]): readonly ScheduledRequest[];
}

/** How a turn was cut short. */
export interface Cut {
  readonly afterMs: Millis;
  /** Requests that had been sent and had no answer. */
  readonly underWay: number;
}

/** Measures one turn and shows how far it is; an open loop's is cut when its backlog grows beyond doubt. */
export async function measureTurn(
  lab: SearchLab,
  { name, latencyMs, reshape, ...turn }: SearchTurn,
): Promise<{ readonly samples: readonly Sample[]; readonly cut: Cut | null }> {
  using shown = showTurn(name, turn.limits);
  if (turn.load.kind === "closed") {
    return { samples: await lab.turn({ ...turn, progress: shown }), cut: null };
  }
  using watch = new BacklogWatch(latencyMs);
  const samples = await lab.turn({
    ...turn,
    cut: watch.signal,
    reshape: (drawn) => watch.begin(reshape?.(drawn) ?? drawn),
    onSent: () => watch.sent(),
    progress: {
      start: () => shown.start(),
      sample(sample) {
        if (sample.phase === "measured") watch.ended();
        shown.sample(sample);
      },
    },
  });
  return { samples, cut: watch.cut };
}

const LEAST_SETTLE_MS: Millis = 3000;
const SETTLE_LATENCIES = 3;
/** After the last request has been sent, answers may take as long again as sending did, and this long. */
const LEAST_DRAIN_MS: Millis = 10_000;
/** Sending counts as this long where it is over sooner, as in a burst. */
const LEAST_SENDING_MS: Millis = 6000;

/** Fires `signal` once the backlog of a turn grows beyond doubt, or after the longest that the turn may take. */
class BacklogWatch implements Disposable {
  readonly #cutting = new AbortController();
  #begun: { readonly backlog: Backlog; readonly at: Millis } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Null: the turn went to its end. */
  cut: Cut | null = null;

  constructor(private readonly latencyMs: Millis) {}

  get signal(): AbortSignal {
    return this.#cutting.signal;
  }

  /** Only the instants themselves say how long a ramp, steps or a trace take. */
  begin(schedule: readonly ScheduledRequest[]): readonly ScheduledRequest[] {
    const settleMs = Math.max(LEAST_SETTLE_MS, SETTLE_LATENCIES * this.latencyMs, sendingMs(schedule) / 2);
    this.#begun = { backlog: new Backlog(settleMs), at: now() };
    this.#timer = setTimeout(() => this.#end(), longestMs(schedule));
    return schedule;
  }

  sent(): void {
    if (!this.#begun) return;
    const { backlog, at } = this.#begun;
    const atMs = now() - at;
    backlog.sent(atMs);
    if (backlog.isHopelessAt(atMs)) this.#end();
  }

  ended(): void {
    this.#begun?.backlog.ended(now() - this.#begun.at);
  }

  #end(): void {
    if (this.cut || !this.#begun) return;
    this.cut = { afterMs: now() - this.#begun.at, underWay: this.#begun.backlog.underWay };
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

/** A trial that goes on while so many are under way would only fill memory. */
const MOST_UNDER_WAY = 20_000;
const SURELY_LATE_SIGMAS = 5;

/**
 * What an open loop has under way, so that a hopeless rate need not be endured to its end. Instants are counted from the
 * turn's start and only rise. Exported for its test.
 */
export class Backlog {
  readonly #sentAt: Millis[] = [];
  readonly #endedAt: Millis[] = [];

  /** Nothing is judged before `settleMs`: an engine that fills up grows too. */
  constructor(private readonly settleMs: Millis) {}

  sent(atMs: Millis): void {
    this.#sentAt.push(atMs);
  }

  ended(atMs: Millis): void {
    this.#endedAt.push(atMs);
  }

  /** Requests that were sent and have not ended. */
  get underWay(): number {
    return this.#sentAt.length - this.#endedAt.length;
  }

  /**
   * Since half the time fewer than three requests ended for each four that were sent, by more than five standard
   * deviations of a Poisson count, and the backlog is at least half as large again as it was then.
   */
  isHopelessAt(atMs: Millis): boolean {
    if (this.underWay > MOST_UNDER_WAY) return true;
    if (atMs < this.settleMs) return false;
    const sentBefore = bisectRight(this.#sentAt, atMs / 2);
    const endedBefore = bisectRight(this.#endedAt, atMs / 2);
    const sent = this.#sentAt.length - sentBefore;
    const ended = this.#endedAt.length - endedBefore;
    return ended < 0.75 * sent && sent - ended > SURELY_LATE_SIGMAS * Math.sqrt(sent) &&
      this.underWay >= 1.5 * (sentBefore - endedBefore);
  }
}
