import type { Publication, PublishedLoad } from "./published.ts";

const FEW: PublishedLoad = { requests: 32, clients: 32 };
const MANY: PublishedLoad = { requests: 512, clients: 256 };

/** All at once, and once. */
function wave(size: number): PublishedLoad {
  return { requests: size, clients: size };
}

/** Published figures of one A40 with 48 GB; the profile of the simulated worker is made of them. */
export const A40: Publication = {
  title: "Qwen3-32B-AWQ on vLLM on one A40 (48 GB)",
  profile: "a40",
  promptTokens: 13,
  outputTokens: 150,
  aloneTtftMs: 47,
  rows: [
    { atOnce: 1, load: FEW, quick: wave(1), tokensPerSecond: 32.9, tpotP50Ms: 33.0 },
    { atOnce: 2, load: FEW, quick: wave(2), tokensPerSecond: 65.0, tpotP50Ms: 33.1 },
    { atOnce: 4, load: FEW, quick: wave(4), tokensPerSecond: 128.9, tpotP50Ms: 33.3 },
    { atOnce: 8, load: FEW, quick: wave(8), tokensPerSecond: 250.6, tpotP50Ms: 34.0 },
    { atOnce: 16, load: FEW, quick: wave(16), tokensPerSecond: 467.5, tpotP50Ms: 36.0 },
    { atOnce: 32, load: FEW, quick: wave(32), tokensPerSecond: 859.9, tpotP50Ms: 38.2 },
    { atOnce: 32, load: MANY, quick: wave(64), tokensPerSecond: 860.2, tpotP50Ms: 38.7 },
    { atOnce: 64, load: MANY, quick: wave(64), tokensPerSecond: 1170.4, tpotP50Ms: 55.3 },
    { atOnce: 128, load: MANY, quick: wave(128), tokensPerSecond: 1258.6, tpotP50Ms: 103.7 },
    { atOnce: 256, load: MANY, quick: null, tokensPerSecond: 1260.2, tpotP50Ms: 103.8 },
  ],
};
