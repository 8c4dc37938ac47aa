/** Figures of an engine that has more requests than its worker can take: their memory, and what it still answers. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../../src/core/types.ts";
import { EngineLoad } from "../load/engine_load.ts";
import type { Sample } from "../record/sample.ts";
import { type Figure, median, NEVER, residentMb } from "./harness.ts";
import { sendClosedLoop, sendOpenLoop } from "./lab_load.ts";

const QUEUED = 10_000;
/** A usual prompt: about 100 tokens. */
const PROMPT_BYTES = 400;
const SLOW = { source: "One row, five tokens a second.", step_ms: [[1, 200]], max_rows: 1 } as const;

/**
 * What 10,000 waiting requests cost the engine while the worker is busy with another, beside what they cost a bare
 * grpc-js server that holds them.
 */
export const memory: Figure = {
  title: `engine RSS over idle with ${QUEUED} requests of ${PROMPT_BYTES} bytes queued`,
  async measure(setup) {
    const settings = { QUEUE_CAPACITY: 2 * QUEUED, WORKER_RPC_TIMEOUT_MS: 3_600_000 };
    const engine = await setup.engine("queued", await setup.simWorker(SLOW), { settings });
    const addedMb = await heldMb(engine.load, engine.pid);
    const bare = await setup.server("hold");
    const bareMb = await heldMb(setup.client(bare.address), bare.pid);
    return [
      { what: "the engine", values: [addedMb], unit: "MB", digits: 0, atMost: 150 },
      { what: "a bare grpc-js server that holds them", values: [bareMb], unit: "MB", digits: 0 },
    ];
  },
};

/** Sends the requests and returns by how much the process has grown once it holds them all. */
async function heldMb(load: EngineLoad, pid: number): Promise<number> {
  await load.stats(30_000);
  const idleMb = await residentMb(pid);
  for (let index = 0; index <= QUEUED; index++) {
    const prompt = `${index} `.padEnd(PROMPT_BYTES, "lorem ipsum ");
    void load.send({ index, prompt, maxTokens: 4096 }, NEVER); // ends with the server
  }
  while ((await load.stats(30_000)).queueDepth < QUEUED) await sleep(100);
  return await residentMb(pid) - idleMb;
}

const ROWS = 32;
const MAX_TOKENS = 16;
const STEP_MS = 20;
const PROFILE = { source: "20 ms a step, 32 rows.", step_ms: [[1, STEP_MS]], max_rows: ROWS } as const;
/** What the worker can answer a second: 100. */
const CAPACITY = ROWS / ((MAX_TOKENS * STEP_MS) / 1000);
const TIMES = 10;
const SECONDS = 60;
const PEAK_SECONDS = 15;
const RAMP_MS = 5000;
/** The two ends of a call start its clock so far apart at most. */
const CLOCKS_MS = 20;
/** Between two samples of the engine's memory. */
const SAMPLE_MS = 1000;

/**
 * Goodput under ten times the load that the worker can take: an open loop for a minute, each request with the same
 * deadline, over the peak. Goodput: requests answered ok before their deadline, by the second in which
 * they were sent, less the first 5 s, which fill the queue. Peak: the same of as many closed-loop clients as keep
 * every row of the worker taken and one waiting behind each; the better of one measured before and one after.
 *
 * Flat: the median resident memory of the last quarter of the overload is at most a tenth above the second quarter's.
 */
export function overload(deadlineMs: Millis): Figure {
  return {
    title: `goodput under ${TIMES} times the load for ${SECONDS} s (open loop, deadline ${
      deadlineMs / 1000
    } s) / peak`,
    async measure(setup) {
      const settings = { MAX_CONCURRENT_STREAMS: ROWS };
      const { address, pid } = await setup.engine("continuous", await setup.simWorker(PROFILE), { settings });
      const load = setup.use(new EngineLoad(address, deadlineMs));
      const asked = { tokens: MAX_TOKENS, stream: false, seed: 1 };
      const closed = async () =>
        tallyOf(
          await sendClosedLoop(load, { ...asked, concurrency: 2 * ROWS, seconds: PEAK_SECONDS }),
          deadlineMs,
        );
      const before = await closed();
      const sampled = new AbortController();
      const sampling = residentSamples(pid, sampled.signal);
      const arrivals = { kind: "constant", rate: TIMES * CAPACITY } as const;
      const open = tallyOf(await sendOpenLoop(load, { ...asked, arrivals, seconds: SECONDS }), deadlineMs);
      sampled.abort();
      const residentsMb = await sampling;
      const after = await closed();
      const peak = Math.max(goodPerSecond(before, PEAK_SECONDS), goodPerSecond(after, PEAK_SECONDS));
      const goodput = goodPerSecond(open, SECONDS);
      const failed = [before, open, after].flatMap((one) => one.failed);
      const [early = NaN, late = NaN] = [1, 3].map((quarter) => median(quarterOf(residentsMb, quarter)));
      const one = (what: string, value: number, digits = 0) => ({ what, values: [value], digits });
      return [
        { ...one("goodput / peak", goodput / peak, 3), atLeast: 0.95 },
        ...[one("goodput/s", goodput, 1), one("peak/s", peak, 1)],
        { ...one("sent/s", open.sent / SECONDS), atLeast: 0.95 * TIMES * CAPACITY },
        ...[one("refused", open.refused), one("late", open.late)],
        { ...one(["failed", ...failed.slice(0, 1)].join(": "), failed.length), atMost: 0 },
        { ...one("RSS at the end / early", late / early, 2), atMost: 1.1 },
        { what: "RSS", values: residentsMb, unit: "MB", digits: 0 },
      ];
    },
  };
}

/** What came of requests with one deadline. */
interface Tally {
  readonly sent: number;
  readonly refused: number;
  /** Requests whose deadline passed, or whose answer came after it. */
  readonly late: number;
  /** Status and message of each failure that is neither a refusal nor a missed deadline. */
  readonly failed: readonly string[];
  /** Instants at which the requests were sent that were answered in time, from the load's start. */
  readonly goodAtMs: readonly Millis[];
}

function tallyOf(samples: readonly Sample[], deadlineMs: Millis): Tally {
  const startedAt = samples.reduce((first, { sentAt }) => Math.min(first, sentAt), Infinity);
  const goodAtMs: Millis[] = [];
  const failed: string[] = [];
  let [late, refused] = [0, 0];
  for (const { outcome, status, errorMessage, sentAt, endedAt } of samples) {
    const tookMs = endedAt - sentAt;
    // Where both ends see the deadline pass, it can also show as the call's cancel.
    if (outcome === "ok" && tookMs <= deadlineMs) goodAtMs.push(sentAt - startedAt);
    else if (tookMs > deadlineMs - CLOCKS_MS) late++;
    else if (status === "RESOURCE_EXHAUSTED") refused++;
    else failed.push(`${status}: ${errorMessage}`);
  }
  return { sent: samples.length, refused, late, failed, goodAtMs };
}

/** Over the seconds after the ramp. */
function goodPerSecond({ goodAtMs }: Tally, seconds: number): number {
  const untilMs = 1000 * seconds;
  return goodAtMs.filter((at) => at >= RAMP_MS && at < untilMs).length / ((untilMs - RAMP_MS) / 1000);
}

async function residentSamples(pid: number, stop: AbortSignal): Promise<number[]> {
  const samples: number[] = [];
  while (!stop.aborted) {
    samples.push(await residentMb(pid));
    await sleep(SAMPLE_MS, undefined, { signal: stop }).catch(() => {}); // ends early on the stop
  }
  return samples;
}

/** Takes quarter 0 to 3 of the samples. */
function quarterOf(samples: readonly number[], quarter: number): number[] {
  return samples.slice((samples.length * quarter) / 4, (samples.length * (quarter + 1)) / 4);
}
