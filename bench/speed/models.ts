/** Figures of tokens a second with a model, or with the times of one, against what the backend gives by itself. */
import { join } from "node:path";
import { now } from "../../src/clock.ts";
import type { Backend } from "../../src/config/backends.ts";
import type { Millis, Mode } from "../../src/core/types.ts";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { prepareWorker } from "../../src/supervisor/prepare.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { SetupProgress } from "../run/progress.ts";
import { PROMPTS } from "../workload/prompts.ts";
import {
  compared,
  type Figure,
  inTurns,
  NEVER,
  ok,
  type Part,
  percentile,
  planLocal,
  Setup,
  type Target,
} from "./harness.ts";

const ROWS = 32;
const MAX_TOKENS = 64;
const TIMEOUT_MS = 600_000;
const TIMEOUT = { WORKER_RPC_TIMEOUT_MS: TIMEOUT_MS } as const;
const BATCHES = { MAX_BATCH_SIZE: ROWS, BATCH_WINDOW_MS: 100, ...TIMEOUT } as const;

export interface Repeats {
  /** Turns of the two variants, one after the other. */
  readonly turns: number;
  /** Rounds in each turn, after one that does not count. */
  readonly rounds: number;
}

/** What clients ask in rounds: all prompts at once, and again when all are answered. */
interface Rounds {
  readonly prompts: readonly string[];
  readonly maxTokens: number;
  readonly rounds: number;
  /** The tokens come as they are made. */
  readonly stream: boolean;
}

/**
 * A real model with 32 clients: tokens/s of micro_batch 32 against the same backend called in its own process
 * with the same prompts in batches of 32. The two take turns, never at the same time.
 */
export function model(backend: Backend, repeats: Repeats): Figure {
  return {
    title: `tokens/s of ${backend} at ${ROWS} clients, micro_batch ${ROWS} / the backend in its own process`,
    measure: (setup) => againstItself(backend, repeats, { mode: "micro_batch", stream: false }, setup),
  };
}

/**
 * A real model with streaming clients. 32 of them: tokens/s of continuous mode against the same backend called in its
 * own process, streaming too, in turn. 8 of them: the time to the first token as the client sees it, in continuous
 * mode over that of queued, each client asking again as soon as it has its answer.
 */
export function modelStreams(backend: Backend, repeats: Repeats): Figure {
  return {
    title:
      `tokens/s of ${backend} at ${ROWS} streaming clients, continuous / the backend in its own process; ` +
      `TTFT at ${FEW} clients, continuous / queued`,
    async measure(setup) {
      const rates = await againstItself(backend, repeats, { mode: "continuous", stream: true }, setup);
      const worker = await setup.worker(backend);
      const continuous = await firstTokens(worker, "continuous", setup.folder);
      const queued = await firstTokens(worker, "queued", setup.folder);
      const ratio = percentile(continuous, 50) / percentile(queued, 50);
      return [
        ...rates,
        { what: "TTFT p50, continuous / queued", values: [ratio], digits: 3, atMost: 0.1 },
        { what: "TTFT, continuous", values: continuous, unit: "ms", digits: 0 },
        { what: "TTFT, queued", values: queued, unit: "ms", digits: 0 },
      ];
    },
  };
}

async function againstItself(
  backend: Backend,
  { turns: count, rounds }: Repeats,
  { mode, stream }: { readonly mode: Mode; readonly stream: boolean },
  { folder }: Setup,
): Promise<readonly Part[]> {
  const prompts = PROMPTS.slice(0, ROWS);
  const asked = { prompts, maxTokens: MAX_TOKENS, rounds, stream };
  const turns = await inTurns(count, {
    own: async () => ({ perSecond: await inItsOwnProcess(backend, asked, folder) }),
    async engine() {
      await using own = new Setup(folder);
      const engine = await own.engine(mode, await own.worker(backend), { settings: BATCHES });
      await inRounds(engine, { ...asked, rounds: 1 });
      return { perSecond: await inRounds(engine, asked) };
    },
  }, { warmUps: 0 });
  return compared("tokens/s", turns, ["engine", "own"], "perSecond", { atLeast: 0.95 });
}

/** Output tokens a second of a backend called in its own process: no gRPC, no engine. */
async function inItsOwnProcess(
  backend: Backend,
  { prompts, maxTokens, rounds, stream }: Rounds,
  folder: string,
  model?: string,
): Promise<number> {
  const { plan } = planLocal(backend);
  using progress = new SetupProgress(folder);
  const { program, env } = await prepareWorker(plan, progress, NEVER);
  const file = join(folder, "prompts.json");
  await Deno.writeTextFile(file, JSON.stringify(prompts));
  const { stdout, code } = await new Deno.Command(program, {
    args: [
      ...[join(WORKER_FOLDER, "tools", "direct_bench.py"), "--backend", backend],
      ...["--model", model ?? plan.model, "--prompts-file", file, "--rows", `${prompts.length}`],
      ...["--max-tokens", `${maxTokens}`, "--rounds", `${rounds}`, ...(stream ? ["--stream"] : [])],
    ],
    env: { ...env },
    stderr: "null",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).output();
  if (code !== 0) throw new SetupError([`direct_bench.py ended with exit code ${code}`]);
  return JSON.parse(new TextDecoder().decode(stdout)).output_tokens_per_second;
}

/** Output tokens a second of clients, one for each prompt, that all ask at once in each round. */
async function inRounds({ load }: Target, { prompts, maxTokens, rounds, stream }: Rounds): Promise<number> {
  let tokens = 0;
  const start = now();
  for (let round = 0; round < rounds; round++) {
    const results = await Promise.all(prompts.map((prompt, index) => {
      const question = { index, prompt, maxTokens };
      return stream ? load.stream(question, NEVER) : load.send(question, NEVER);
    }));
    for (const result of results) tokens += ok(result).outputTokens;
  }
  return tokens / ((now() - start) / 1000);
}

const FEW = 8;
const REQUESTS_EACH = 3;

/** The time to first token of each request of the few clients. */
async function firstTokens(endpoint: string, mode: Mode, folder: string): Promise<Millis[]> {
  await using setup = new Setup(folder);
  const engine = await setup.engine(mode, endpoint, { settings: TIMEOUT });
  await inRounds(engine, { prompts: PROMPTS.slice(0, FEW), maxTokens: 4, rounds: 1, stream: true });
  const ttftMs: Millis[] = [];
  await Promise.all(Array.from({ length: FEW }, async (_, client) => {
    for (let request = 0; request < REQUESTS_EACH; request++) {
      const index = FEW * request + client;
      const question = { index, prompt: PROMPTS[index % PROMPTS.length]!, maxTokens: MAX_TOKENS };
      const [first] = ok(await engine.load.stream(question, NEVER)).arrivals ?? [];
      if (!first) throw new SetupError([`request ${index} of the ${mode} engine brought no token`]);
      ttftMs.push(first[0]);
    }
  }));
  return ttftMs;
}

const PROFILE = "a40";
const GPU_TOKENS = 150;

/** What this measurement reads of a profile of the sim backend; `step_ms` has an entry for each number of clients. */
interface Profile {
  readonly prefill_ms: number;
  readonly prefill_row_ms: number;
  readonly step_ms: readonly (readonly [rows: number, ms: number])[];
}

/**
 * Tokens/s of a simulated A40 with 1 to 128 streaming clients in continuous mode, in rounds in which all ask at once,
 * over what its profile makes possible: so many rows that join in one step and all leave after 150. The backend
 * called in its own process, in the same rounds, shows what part of the rest is the simulation's own.
 */
export const gpu: Figure = {
  title: `tokens/s of the simulated ${PROFILE.toUpperCase()} in continuous mode / possible`,
  async measure(setup) {
    const file = join(WORKER_FOLDER, "backends", "profiles", `${PROFILE}.json`);
    const profile: Profile = JSON.parse(await Deno.readTextFile(file));
    const engine = await setup.engine("continuous", await setup.simWorker(PROFILE));
    const parts: Part[] = [];
    for (const clients of [1, 8, 32, 128]) {
      const prompts = Array.from({ length: clients }, (_, index) => PROMPTS[index % PROMPTS.length]!);
      const asked = { prompts, maxTokens: GPU_TOKENS, rounds: 2, stream: true };
      await inRounds(engine, { ...asked, maxTokens: 1, rounds: 1 });
      const possible = possibleRate(profile, clients);
      const reached = await inRounds(engine, asked);
      const own = await inItsOwnProcess("sim", { ...asked, rounds: 1 }, setup.folder, PROFILE);
      const values = [reached / possible];
      parts.push(
        { what: `${clients} clients, engine / possible`, values, digits: 3, atLeast: 0.98 },
        { what: "tokens/s, engine", values: [reached], digits: 0 },
        { what: "tokens/s, possible", values: [possible], digits: 0 },
        { what: "tokens/s, the backend in its own process", values: [own], digits: 0 },
      );
    }
    return parts;
  },
};

/** Output tokens a second when `rows` rows join in one step and run for all their steps. */
function possibleRate({ prefill_ms, prefill_row_ms, step_ms }: Profile, rows: number): number {
  const [, stepMs] = step_ms.find(([at]) => at === rows)!;
  const roundMs = prefill_ms + prefill_row_ms * rows + GPU_TOKENS * stepMs;
  return rows * GPU_TOKENS / (roundMs / 1000);
}
