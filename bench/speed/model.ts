import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { Backend } from "../../src/config/backends.ts";
import type { Millis, Mode } from "../../src/core/types.ts";
import type { EngineLoad } from "../load/engine_load.ts";
import { PROMPTS } from "../workload/prompts.ts";
import { type Figure, median, spread } from "./figure.ts";
import { inItsOwnProcess } from "./own_process.ts";
import { inRounds, ok } from "./rounds.ts";
import { startEngine, startWorker } from "./setup.ts";

const NEVER = new AbortController().signal;
const ROWS = 32;
const WORK = { prompts: PROMPTS.slice(0, ROWS), maxTokens: 64 } as const;
const TIMEOUT = { WORKER_RPC_TIMEOUT_MS: 600_000 } as const;
const BATCHES = { MAX_BATCH_SIZE: ROWS, BATCH_WINDOW_MS: 100, ...TIMEOUT } as const;

export interface Repeats {
  /** Of the two sides, one after the other. */
  readonly turns: number;
  /** In each turn, after one that does not count. */
  readonly rounds: number;
}

/**
 * A real model with 32 clients: tokens/s of micro_batch 32 against the same backend called in its own process
 * with the same prompts in batches of 32. The two take turns, never at the same time.
 */
export async function realModel(backend: Backend, turns: number, folder: string): Promise<Figure> {
  return await againstItself(backend, { turns, rounds: 4 }, "micro_batch", folder);
}

/**
 * A real model with streaming clients. 32 of them: tokens/s of continuous mode against the same backend called in its
 * own process, streaming too, in turn. 8 of them: the time to the first token as the client sees it, in continuous
 * mode over that of queued, each client asking again as soon as it has its answer.
 */
export async function streamedModel(backend: Backend, repeats: Repeats, folder: string): Promise<Figure> {
  const rates = await againstItself(backend, repeats, "continuous", folder);
  await using worker = await startWorker(backend, {}, folder);
  const continuous = await firstTokens(worker.endpoint, "continuous", folder);
  const queued = await firstTokens(worker.endpoint, "queued", folder);
  const share = median(continuous) / median(queued);
  return {
    ...rates,
    name: `${rates.name}; TTFT p50 at ${FEW} clients, continuous / queued`,
    reached: `${rates.reached}; ${share.toFixed(3)} (${median(continuous).toFixed(0)} ms, ` +
      `${median(queued).toFixed(0)} ms)`,
    target: `${rates.target}; <= 0.1`,
    met: rates.met && share <= 0.1,
    samples: { ...rates.samples, continuousTtftMs: continuous, queuedTtftMs: queued },
  };
}

async function againstItself(
  backend: Backend,
  { turns, rounds }: Repeats,
  mode: Mode,
  folder: string,
): Promise<Figure> {
  const stream = mode === "continuous";
  const samples = { own: [] as number[], engine: [] as number[], ratio: [] as number[] };
  for (let turn = 0; turn < turns; turn++) {
    samples.own.push(await inItsOwnProcess({ ...WORK, rounds, backend, stream }, folder));
    samples.engine.push(await throughTheEngine(backend, rounds, mode, folder));
    samples.ratio.push(samples.engine.at(-1)! / samples.own.at(-1)!);
  }
  return {
    name: `tokens/s of ${backend} at ${ROWS} ${stream ? "streaming " : ""}clients, ` +
      `${stream ? mode : `${mode} ${ROWS}`} / the backend in its own process`,
    reached: `${spread(samples.ratio)} (engine ${median(samples.engine).toFixed(0)} tok/s, ` +
      `own process ${median(samples.own).toFixed(0)} tok/s)`,
    target: ">= 0.95",
    met: median(samples.ratio) >= 0.95,
    samples,
  };
}

/** 32 closed-loop clients, in rounds: the same work as a batch at a time in the own process. */
async function throughTheEngine(
  backend: Backend,
  rounds: number,
  mode: Mode,
  folder: string,
): Promise<number> {
  await using worker = await startWorker(backend, {}, folder);
  await using engine = await startEngine(mode, worker.endpoint, BATCHES, folder);
  const asked = { ...WORK, rounds, stream: mode === "continuous" };
  await inRounds(engine.load, { ...asked, rounds: 1 });
  return await inRounds(engine.load, asked);
}

const FEW = 8;
const REQUESTS_EACH = 3;

/** Of each request of the few clients. */
async function firstTokens(endpoint: string, mode: Mode, folder: string): Promise<Millis[]> {
  await using engine = await startEngine(mode, endpoint, TIMEOUT, folder);
  const ttftMs: Millis[] = [];
  const client = async (load: EngineLoad, number: number) => {
    for (let request = 0; request < REQUESTS_EACH; request++) {
      const index = FEW * request + number;
      const item = { index, prompt: PROMPTS[index % PROMPTS.length]!, maxTokens: WORK.maxTokens };
      const [first] = ok(await load.stream(item, NEVER)).arrivals ?? [];
      if (!first) {
        throw new SetupError([`request ${index} of the ${mode} engine brought no token`]);
      }
      ttftMs.push(first[0]);
    }
  };
  await inRounds(engine.load, { prompts: PROMPTS.slice(0, FEW), maxTokens: 4, rounds: 1, stream: true });
  await Promise.all(Array.from({ length: FEW }, (_, number) => client(engine.load, number)));
  return ttftMs;
}
