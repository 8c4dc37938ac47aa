import process from "node:process";
import { GrpcTransport } from "../load/engine_load.ts";
import { runOpenLoop } from "../load/open_loop.ts";
import type { RequestMix } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { scheduleOf } from "../workload/schedule.ts";
import { type Figure, median, percentile, spread } from "./figure.ts";
import { ok } from "./rounds.ts";
import { startEngine, startWorker } from "./setup.ts";

const NEVER = new AbortController().signal;
const ROUNDS = 5;
const SECONDS = 5;

export interface GeneratorLoad {
  /** Requests a second, a Poisson process. */
  readonly rate: number;
  readonly tokens: number;
  readonly stream: boolean;
}

/**
 * The load generator itself: how late an open loop sends, and what a request costs it. Engine (direct mode) and worker
 * (one that takes no time) run on the same machine, as they do for who has one alone: lateness is mostly the wait for
 * a processor, and the generator's own garbage collection. The processor's time is that of all threads of the process,
 * with the keeping of the samples but not their writing. Percentiles are of a round, and the figure is their median.
 */
export async function generatorLateness(load: GeneratorLoad, folder: string): Promise<Figure> {
  const { rate, tokens, stream } = load;
  await using worker = await startWorker("sim", { SIM_PROFILE: "null" }, folder);
  await using engine = await startEngine("direct", worker.endpoint, {}, folder);
  const transport = new GrpcTransport(engine.load, stream);
  const figures = {
    ...{ lateP50Ms: [] as number[], lateP99Ms: [] as number[], lateMaxMs: [] as number[] },
    ...{ cpuMicroseconds: [] as number[], perSecond: [] as number[] },
  };
  const arrivals = { kind: "poisson", rate } as const;
  for (let round = -1; round < ROUNDS; round++) {
    const limits = { requests: Infinity, durationMs: 1000 * SECONDS };
    const schedule = scheduleOf(
      { kind: "open", name: "generator", arrivals },
      mixOf(tokens),
      limits,
      round + 2,
    );
    const cell = { variant: "direct", load: `${rate}/s` };
    const samples: Sample[] = [];
    const record = (sample: Sample) => void samples.push(sample);
    const cpu = process.cpuUsage();
    await runOpenLoop({ cell, round, phase: "measured", transport, schedule, record, stop: NEVER });
    const { user, system } = process.cpuUsage(cpu);
    samples.forEach(ok);
    if (round < 0) continue;
    const lateMs = samples.map(({ intendedAt, sentAt }) => sentAt - intendedAt);
    figures.lateP50Ms.push(percentile(lateMs, 50));
    figures.lateP99Ms.push(percentile(lateMs, 99));
    figures.lateMaxMs.push(percentile(lateMs, 100));
    figures.cpuMicroseconds.push((user + system) / samples.length);
    figures.perSecond.push(samples.length / SECONDS);
  }
  const p99 = median(figures.lateP99Ms);
  return {
    name: `lateness of an open loop's sends at ${rate} requests/s, ${
      stream ? `streams of ${tokens} tokens, ` : ""
    }p99`,
    reached: `${spread(figures.lateP99Ms)} ms (p50 ${median(figures.lateP50Ms).toFixed(2)} ms, max ${
      median(figures.lateMaxMs).toFixed(2)
    } ms; the generator's CPU ${spread(figures.cpuMicroseconds, 0)} µs a request)`,
    target: "<= 2 ms",
    met: p99 <= 2,
    samples: figures,
  };
}

function mixOf(tokens: number): RequestMix {
  return {
    classes: [{
      name: "natural",
      weight: 1,
      prompt: { kind: "natural" },
      output: { kind: "fixed", tokens },
      exactOutput: true,
      tenants: [{ name: "bench", weight: 1 }],
    }],
  };
}
