import type { Percentiles } from "../../live/feed.ts";
import { percentileOf } from "../../percentile.ts";

/** The largest relative error of a percentile. */
const ERROR = 0.02;
const GROWTH = (1 + ERROR) / (1 - ERROR);
const PER_LOG = 1 / Math.log(GROWTH);
/** What is below counts as this. */
const LEAST_MS = 0.001;
/** Above a day; what is longer counts as this. */
const MOST_MS = 1e8;
const BUCKETS = Math.ceil(Math.log(MOST_MS / LEAST_MS) * PER_LOG) + 1;

/**
 * Percentiles of what came in the last so many seconds, each within 2 %, in memory that does not grow with their
 * number: counts in buckets whose bounds rise by a constant factor, as in DDSketch (Masson et al., VLDB 2019), one set
 * for each second.
 */
export class SlidingPercentiles {
  readonly #seconds: Uint32Array[];
  readonly #all = new Uint32Array(BUCKETS);
  #at = 0;
  #count = 0;

  constructor(seconds: number) {
    this.#seconds = Array.from({ length: seconds }, () => new Uint32Array(BUCKETS));
  }

  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.#seconds[this.#at]![bucket]!++;
    this.#all[bucket]!++;
    this.#count++;
  }

  /** A new second begins; the oldest is forgotten. */
  advance(): void {
    this.#at = (this.#at + 1) % this.#seconds.length;
    const oldest = this.#seconds[this.#at]!;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.#all[bucket]! -= oldest[bucket]!;
      this.#count -= oldest[bucket]!;
    }
    oldest.fill(0);
  }

  read(): Percentiles {
    if (this.#count === 0) return { p50: null, p95: null, p99: null };
    const at = (percent: number) => percentileOf(this.#count, (rank) => this.#valueAt(rank), percent);
    return { p50: at(50), p95: at(95), p99: at(99) };
  }

  /** The value at a rank that is counted from 0. */
  #valueAt(rank: number): number {
    let below = 0;
    const bucket = this.#all.findIndex((count) => (below += count) > rank);
    return middleOf(bucket);
  }
}

/** Bucket n has what is above LEAST_MS * GROWTH^(n-1) and at most LEAST_MS * GROWTH^n. */
function bucketOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LEAST_MS) * PER_LOG));
}

/** The value that is off by the same share from either bound. */
function middleOf(bucket: number): number {
  return bucket === 0 ? LEAST_MS : LEAST_MS * GROWTH ** bucket * 2 / (GROWTH + 1);
}
