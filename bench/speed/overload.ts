import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import { EngineLoad } from "../load/engine_load.ts";
import { PROMPTS } from "../workload/prompts.ts";
import { type Figure, median } from "./figure.ts";
import { residentMb } from "./memory.ts";
import { startEngine, startWorker } from "./setup.ts";

const NEVER = new AbortController().signal;
const ROWS = 32;
const MAX_TOKENS = 16;
const STEP_MS = 20;
const PROFILE = { source: "20 ms a step, 32 rows.", step_ms: [[1, STEP_MS]], max_rows: ROWS };
/** What the worker can answer a second: 100. */
const CAPACITY = ROWS / ((MAX_TOKENS * STEP_MS) / 1000);
/** The ends of a call start its clock apart. */
const CLOCKS_MS = 20;
const TIMES = 10;
const PEAK_SECONDS = 15;
/** Between two samples of the engine's memory. */
const SAMPLE_MS = 1000;

interface Options {
  readonly deadlineMs: Millis;
  /** @default true */
  readonly refuseLate?: boolean;
  readonly seconds?: number;
}

/**
 * Goodput under ten times the load that the worker can take: an open loop for `seconds`, each request with the same
 * deadline, over the peak. Goodput: requests answered ok before their deadline, by the second in which
 * they were sent, less the first 5 s, which fill the queue. Peak: the same of as many closed-loop clients as keep
 * every row of the worker taken and one waiting behind each; the better of one measured before and one after.
 *
 * Flat: the median resident memory of the last quarter of the overload is at most a tenth above the second quarter's.
 */
export async function overload(
  folder: string,
  { deadlineMs, refuseLate = true, seconds = 60 }: Options,
): Promise<Figure> {
  const profile = join(folder, "rows32.json");
  await Deno.writeTextFile(profile, JSON.stringify(PROFILE));
  await using worker = await startWorker("sim", { SIM_PROFILE: profile }, folder);
  const settings = { MAX_CONCURRENT_STREAMS: ROWS, REFUSE_LATE: refuseLate };
  await using engine = await startEngine("continuous", worker.endpoint, settings, folder);
  using load = new EngineLoad(engine.process.address, deadlineMs);
  const before = await closedLoop(load, deadlineMs, PEAK_SECONDS);
  const memory = new AbortController();
  const sampling = residentSamples(engine.process.pid, memory.signal);
  const open = await openLoop(load, { deadlineMs, perSecond: TIMES * CAPACITY, seconds });
  memory.abort();
  const residentsMb = await sampling;
  const after = await closedLoop(load, deadlineMs, PEAK_SECONDS);
  const peak = Math.max(...[before, after].map((one) => rate(one.goodAtMs, RAMP_MS, PEAK_SECONDS * 1000)));
  const goodput = rate(open.goodAtMs, RAMP_MS, seconds * 1000);
  const sent = open.sent / seconds;
  const [early, late] = [1, 3].map((quarter) => median(quarterOf(residentsMb, quarter)));
  const kept = goodput / peak;
  const failed = [before, open, after].flatMap((one) => one.failed);
  const failures = failed.length > 0 ? `, ${failed.length} FAILED (${failed[0]})` : "";
  return {
    name:
      `goodput under ${TIMES} times the load for ${seconds} s (open loop, deadline ${deadlineMs / 1000} s, ` +
      `REFUSE_LATE=${refuseLate}) / peak`,
    reached:
      `${kept.toFixed(3)} (${goodput.toFixed(1)}/s of ${sent.toFixed(0)}/s sent, peak ${
        peak.toFixed(1)
      }/s; ` +
      `${open.refused} refused, ${open.late} late${failures}); engine RSS ${
        early!.toFixed(0)
      } MB, at the end ${late!.toFixed(0)} MB`,
    target: ">= 0.95, RSS flat",
    met: failed.length === 0 && kept >= 0.95 && sent >= 0.95 * TIMES * CAPACITY && late! <= 1.1 * early!,
    samples: {
      beforeGoodAtMs: before.goodAtMs,
      overloadGoodAtMs: open.goodAtMs,
      afterGoodAtMs: after.goodAtMs,
      residentsMb,
    },
  };
}

/** What came of the requests of one load. */
interface Tally {
  sent: number;
  refused: number;
  /** The caller's deadline passed, or the answer came after it. */
  late: number;
  /** How those failed that neither the load nor the deadline accounts for. */
  readonly failed: string[];
  /** When those that were good were sent, from the load's start. */
  readonly goodAtMs: Millis[];
}

class Load {
  readonly tally: Tally = { sent: 0, refused: 0, late: 0, failed: [], goodAtMs: [] };
  readonly #start = now();

  constructor(private readonly load: EngineLoad, private readonly deadlineMs: Millis) {}

  get elapsedMs(): Millis {
    return now() - this.#start;
  }

  async send(): Promise<void> {
    const index = this.tally.sent++;
    const sentMs = this.elapsedMs;
    const item = { index, prompt: PROMPTS[index % PROMPTS.length]!, maxTokens: MAX_TOKENS };
    const { outcome, status, errorMessage } = await this.load.send(item, NEVER);
    const tookMs = this.elapsedMs - sentMs;
    // Where both ends see the deadline pass, it can also show as the call's cancel.
    if (outcome === "ok" && tookMs <= this.deadlineMs) this.tally.goodAtMs.push(sentMs);
    else if (tookMs > this.deadlineMs - CLOCKS_MS) this.tally.late++;
    else if (status === "RESOURCE_EXHAUSTED") this.tally.refused++;
    else this.tally.failed.push(`${status}: ${errorMessage}`);
  }
}

async function closedLoop(engine: EngineLoad, deadlineMs: Millis, seconds: number): Promise<Tally> {
  const load = new Load(engine, deadlineMs);
  const client = async () => {
    while (load.elapsedMs < seconds * 1000) await load.send();
  };
  await Promise.all(Array.from({ length: 2 * ROWS }, client));
  return load.tally;
}

/** Sends at an even rate, whatever becomes of it; a turn that comes late sends what is due. */
async function openLoop(
  engine: EngineLoad,
  { deadlineMs, perSecond, seconds }: { deadlineMs: Millis; perSecond: number; seconds: number },
): Promise<Tally> {
  const load = new Load(engine, deadlineMs);
  const sending: Promise<void>[] = [];
  while (load.elapsedMs < seconds * 1000) {
    while (load.tally.sent < (load.elapsedMs / 1000) * perSecond) sending.push(load.send());
    await sleep(1);
  }
  await Promise.all(sending);
  return load.tally;
}

const RAMP_MS = 5000;

/** Of those sent from `fromMs` to `toMs`, a second. */
function rate(atMs: readonly Millis[], fromMs: Millis, toMs: Millis): number {
  return atMs.filter((at) => at >= fromMs && at < toMs).length / ((toMs - fromMs) / 1000);
}

async function residentSamples(pid: number, stop: AbortSignal): Promise<number[]> {
  const samples: number[] = [];
  while (!stop.aborted) {
    samples.push(await residentMb(pid));
    await sleep(SAMPLE_MS, undefined, { signal: stop }).catch(() => {}); // ends early on the stop
  }
  return samples;
}

/** From 0 to 3. */
function quarterOf(samples: readonly number[], quarter: number): number[] {
  return samples.slice((samples.length * quarter) / 4, (samples.length * (quarter + 1)) / 4);
}
