/** Figures by the lab's own load: what the generator costs, and an engine with more requests than its worker can take. */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../../src/core/types.ts";
import { EngineLoad } from "../load/engine_load.ts";
import { runClosedLoop, runOpenLoop } from "../load/loops.ts";
import type { Arrivals, Load, RequestMix } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { DEFAULT_TENANT, requests, scheduleOf } from "../workload/requests.ts";
import {
  type Figure,
  inTurns,
  NEVER,
  ok,
  part,
  percentile,
  residentMb,
  STATS_WITHIN_MS,
  type Target,
} from "./harness.ts";

interface Asked {
  readonly load: Load;
  readonly seconds: number;
  /** Output tokens of each request. */
  readonly tokens: number;
  /** @default false */
  readonly stream?: boolean;
  readonly seed: number;
}

/** Sends natural prompts by the lab's own load, from the schedule to the samples. */
async function sendLab(engine: EngineLoad, asked: Asked): Promise<readonly Sample[]> {
  const { load, seconds, tokens, stream = false, seed } = asked;
  const mix: RequestMix = {
    classes: [{
      name: "natural",
      weight: 1,
      prompt: { kind: "natural" },
      output: { kind: "fixed", tokens },
      exactOutput: true,
      tenants: [DEFAULT_TENANT],
    }],
  };
  const samples: Sample[] = [];
  const context = {
    cell: { variant: "engine", load: load.name },
    round: 0,
    phase: "measured",
    transport: engine.transport(stream),
    record: (sample: Sample) => void samples.push(sample),
    stop: NEVER,
  } as const;
  const limits = { requests: Infinity, durationMs: 1000 * seconds };
  if (load.kind === "open") {
    await runOpenLoop({ ...context, schedule: scheduleOf(load, mix, limits, seed) });
  } else {
    const clients = { concurrency: load.concurrency, limit: limits.requests };
    await runClosedLoop({ ...context, ...limits, ...clients, requests: requests(mix, seed) });
  }
  return samples;
}

function openLoop(arrivals: Arrivals): Load {
  return { kind: "open", name: "open loop", arrivals };
}

/**
 * The load generator itself: how late an open loop (a Poisson process) sends, and what a request costs it. Engine and
 * worker run on the same machine, as they do for everybody with one machine: lateness is mostly the wait for a processor,
 * and the generator's own garbage collection. The processor's time is that of all threads of the process, with the
 * keeping of the samples but not their writing.
 */
export function generator(rate: number, tokens: number, stream: boolean): Figure {
  const streaming = stream ? `, streams of ${tokens} tokens` : "";
  return {
    title: `lateness of an open loop's sends at ${rate} requests/s${streaming}`,
    async measure(setup) {
      const engine = await setup.engine("direct", await setup.simWorker("null"));
      const load = openLoop({ kind: "poisson", rate });
      const sendTurn = async (turn: number) => {
        const cpu = process.cpuUsage();
        const samples = await sendLab(engine.load, { load, seconds: 5, tokens, stream, seed: turn + 2 });
        const { user, system } = process.cpuUsage(cpu);
        samples.forEach(ok);
        const lateMs = samples.map(({ intendedAt, sentAt }) => sentAt - intendedAt);
        const [p50Ms = NaN, p99Ms = NaN, maxMs = NaN] = [50, 99, 100].map((one) => percentile(lateMs, one));
        return { p50Ms, p99Ms, maxMs, cpuUs: (user + system) / samples.length };
      };
      const { turns } = await inTurns(5, { turns: sendTurn });
      return [
        part("late, p99", turns, "p99Ms", { atMost: 2 }),
        part("late, p50", turns, "p50Ms"),
        part("late, most", turns, "maxMs"),
        part("the generator's CPU a request", turns, "cpuUs"),
      ];
    },
  };
}

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
    const values = [await heldMb(engine)];
    const bare = [await heldMb(await setup.server("hold"))];
    return [
      { what: "the engine", values, unit: "MB", digits: 0, atMost: 150 },
      { what: "a bare grpc-js server that holds them", values: bare, unit: "MB", digits: 0 },
    ];
  },
};

/** Sends the requests and returns by how much the process has grown once it holds them all. */
async function heldMb(target: Target): Promise<number> {
  const { load } = target;
  await load.stats(STATS_WITHIN_MS);
  const idleMb = await residentMb(target);
  for (let index = 0; index <= QUEUED; index++) {
    const prompt = `${index} `.padEnd(PROMPT_BYTES, "lorem ipsum ");
    void load.send({ index, prompt, maxTokens: 4096 }, NEVER); // ends with the server
  }
  while ((await load.stats(STATS_WITHIN_MS)).queueDepth < QUEUED) await sleep(100);
  return await residentMb(target) - idleMb;
}

const ROWS = 32;
const MAX_TOKENS = 16;
const STEP_MS = 20;
const PROFILE = { source: "20 ms a step, 32 rows.", step_ms: [[1, STEP_MS]], max_rows: ROWS } as const;
/** Requests a second that come: ten times the 100 that the worker can answer. */
const RATE = 10 * ROWS / (MAX_TOKENS * STEP_MS / 1000);
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
  const deadline = `deadline ${deadlineMs / 1000} s`;
  return {
    title: `goodput under 10 times the load for ${SECONDS} s (open loop, ${deadline}) / peak`,
    async measure(setup) {
      const settings = { MAX_CONCURRENT_STREAMS: ROWS };
      const engine = await setup.engine("continuous", await setup.simWorker(PROFILE), { settings });
      const client = setup.use(new EngineLoad(engine.address, deadlineMs));
      const tally = async (load: Load, seconds: number) =>
        tallyOf(await sendLab(client, { load, seconds, tokens: MAX_TOKENS, seed: 1 }), deadlineMs, seconds);
      const clients: Load = { kind: "closed", name: "closed loop", concurrency: 2 * ROWS };
      const before = await tally(clients, PEAK_SECONDS);
      const sampled = new AbortController();
      const sampling = residentSamples(engine, sampled.signal);
      const open = await tally(openLoop({ kind: "constant", rate: RATE }), SECONDS);
      sampled.abort();
      const residentsMb = await sampling;
      const after = await tally(clients, PEAK_SECONDS);
      const peak = Math.max(before.goodput, after.goodput);
      const failed = [before, open, after].flatMap((one) => one.failed);
      const quarter = residentsMb.length / 4;
      const [early, late] = [residentsMb.slice(quarter, 2 * quarter), residentsMb.slice(3 * quarter)];
      const growth = percentile(late, 50) / percentile(early, 50);
      const one = (what: string, value: number, digits = 0) => ({ what, values: [value], digits });
      return [
        { ...one("goodput / peak", open.goodput / peak, 3), atLeast: 0.95 },
        ...[one("goodput/s", open.goodput, 1), one("peak/s", peak, 1)],
        { ...one("sent/s", open.sent / SECONDS), atLeast: 0.95 * RATE },
        ...[one("refused", open.refused), one("late", open.late)],
        { ...one(["failed", ...failed.slice(0, 1)].join(": "), failed.length), atMost: 0 },
        { ...one("RSS at the end / early", growth, 2), atMost: 1.1 },
        { what: "RSS", values: residentsMb, unit: "MB", digits: 0 },
      ];
    },
  };
}

/**
 * What came of requests with one deadline. Late ones missed it, or were answered after it; `failed` has status and
 * message of each that was neither late nor refused.
 */
function tallyOf(samples: readonly Sample[], deadlineMs: Millis, seconds: number) {
  const startedAt = samples.reduce((first, { sentAt }) => Math.min(first, sentAt), Infinity);
  const [from, until] = [startedAt + RAMP_MS, startedAt + 1000 * seconds];
  const failed: string[] = [];
  let [good, late, refused] = [0, 0, 0];
  for (const { outcome, status, errorMessage, sentAt, endedAt } of samples) {
    const tookMs = endedAt - sentAt;
    // Where both ends see the deadline pass, it can also show as the call's cancel.
    if (outcome === "ok" && tookMs <= deadlineMs) good += Number(sentAt >= from && sentAt < until);
    else if (tookMs > deadlineMs - CLOCKS_MS) late++;
    else if (status === "RESOURCE_EXHAUSTED") refused++;
    else failed.push(`${status}: ${errorMessage}`);
  }
  return { sent: samples.length, refused, late, failed, goodput: good / ((until - from) / 1000) };
}

async function residentSamples(target: Target, stop: AbortSignal): Promise<number[]> {
  const samples: number[] = [];
  while (!stop.aborted) {
    samples.push(await residentMb(target));
    await sleep(SAMPLE_MS, undefined, { signal: stop }).catch(() => {}); // ends early on the stop
  }
  return samples;
}
