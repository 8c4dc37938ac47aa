// @ts-types="@types/d3-array"
import { max, min } from "d3-array";
import type { Millis } from "../../src/core/types.ts";
import { percentile } from "../metrics/percentile.ts";
import type { Load, Variant } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import type { Lab } from "../run/lab.ts";
import { showTurn } from "../run/progress.ts";

/** What a first look at a variant says of it. */
export interface FirstLook {
  /** Answers a second to clients that each wait for theirs: a guess of the capacity, too low where more clients would help. */
  readonly rate: number;
  /** What the faster answers took: about the latency without a queue. */
  readonly latencyMs: Millis;
}

/** No flag and no file gives a load this name, so a look is never counted with the turns of a cell that is asked for. */
const CLIENTS: Load = { kind: "closed", name: "a first look, 32 clients", concurrency: 32 };
const LOOK_MS: Millis = 5000;
/** A slow variant is looked at for longer, until it has given so many answers. */
const LEAST_ANSWERS = 8;
const FASTER_PERCENT = 10;

/** A closed loop's burst of 5 s. Null: it gave no answer. */
export async function lookAt(
  lab: Pick<Lab, "turn">,
  variant: Variant,
  name: string,
): Promise<FirstLook | null> {
  using shown = showTurn(name, { requests: Infinity, durationMs: LOOK_MS });
  const enough = new AbortController();
  const answered: Sample[] = [];
  let over = false;
  const endIfEnough = () => {
    if (over && answered.length >= LEAST_ANSWERS) enough.abort();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const progress = {
    start: () => {
      timer = setTimeout(() => {
        over = true;
        endIfEnough();
      }, LOOK_MS);
      shown.start();
    },
    sample: (sample: Sample) => {
      shown.sample(sample);
      if (sample.phase !== "measured" || sample.outcome === "interrupted") return;
      answered.push(sample);
      endIfEnough();
    },
    [Symbol.dispose]: () => {},
  };
  const limits = { requests: Infinity, durationMs: LOOK_MS };
  const samples = await lab.turn({ variant, load: CLIENTS, round: 0, limits, progress, cut: enough.signal });
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
