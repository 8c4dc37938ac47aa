import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Sample } from "../../../bench/record/sample.ts";
import { sampleOf } from "./sample.ts";

/** Uniform on (0, 1]; the same seed gives the same numbers. */
export function randomOf(seed: number): () => number {
  const random = xoroshiro128plus(seed);
  return () => 1 - uniformFloat64(random);
}

export interface Queue {
  readonly requests: number;
  /** Arrivals over service. */
  readonly load: number;
  /** @default 10 */
  readonly serviceMs?: number;
  readonly round?: number;
  readonly told?: Partial<Sample>;
}

/** One server, first in, first out, Poisson arrivals and exponential service, in its steady state from the first request. */
export function mm1(
  random: () => number,
  { requests, load, serviceMs = 10, round = 0, told }: Queue,
): Sample[] {
  const samples: Sample[] = [];
  let at = round * 1e9;
  // Steady state: the work found by an arrival is 0 with chance 1 - load, else exponential.
  let workMs = load < 1 && random() < load ? -Math.log(random()) * serviceMs / (1 - load) : 0;
  for (let index = 0; index < requests; index++) {
    workMs += -Math.log(random()) * serviceMs;
    samples.push(sampleOf({ round, index, intendedAt: at, sentAt: at, endedAt: at + workMs, ...told }));
    const gapMs = -Math.log(random()) * serviceMs / load;
    at += gapMs;
    workMs = Math.max(0, workMs - gapMs);
  }
  return samples;
}

/** `clients` that each ask again at once; all are served together in batches of `batchMs(at)`. */
export function closedLoop(
  batchMs: (atMs: number) => number,
  { clients, batches, round = 0 }: { clients: number; batches: number; round?: number },
): Sample[] {
  const samples: Sample[] = [];
  let atMs = 0;
  for (let batch = 0; batch < batches; batch++) {
    const intendedAt = round * 1e9 + atMs;
    atMs += batchMs(atMs);
    for (let client = 0; client < clients; client++) {
      const index = batch * clients + client;
      const endedAt = round * 1e9 + atMs;
      samples.push(sampleOf({ round, index, client, intendedAt, sentAt: intendedAt, endedAt }));
    }
  }
  return samples;
}
