/** Figures of tokens a second with a model, or with the times of one, against what the backend gives by itself. */
import { join } from "node:path";
import { now } from "../../src/clock.ts";
import type { Millis, Mode } from "../../src/core/types.ts";
import type { Backend } from "../../src/config/backends.ts";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { EngineLoad } from "../load/engine_load.ts";
import { PROMPTS } from "../workload/prompts.ts";
import { inItsOwnProcess, type Rounds } from "./backend.ts";
import { type Figure, inTurns, median, NEVER, ok, type Part, Setup } from "./harness.ts";

const ROWS = 32;
const WORK = { prompts: PROMPTS.slice(0, ROWS), maxTokens: 64 } as const;
const TIMEOUT = { WORKER_RPC_TIMEOUT_MS: 600_000 } as const;
const BATCHES = { MAX_BATCH_SIZE: ROWS, BATCH_WINDOW_MS: 100, ...TIMEOUT } as const;

export interface Repeats {
  /** Turns of the two variants, one after the other. */
  readonly turns: number;
  /** Rounds in each turn, after one that does not count. */
  readonly rounds: number;
}

/**
 * A real model with 32 clients: tokens/s of micro_batch 32 against the same backend called in its own process
 * with the same prompts in batches of 32. The two take turns, never at the same time.
 */
export function model(backend: Backend, repeats: Repeats): Figure {
  return {
    title: titleOf(backend, "micro_batch"),
    measure: (setup) => againstItself(backend, repeats, "micro_batch", setup),
  };
}

const FEW = 8;
const REQUESTS_EACH = 3;

/**
 * A real model with streaming clients. 32 of them: tokens/s of continuous mode against the same backend called in its
 * own process, streaming too, in turn. 8 of them: the time to the first token as the client sees it, in continuous
 * mode over that of queued, each client asking again as soon as it has its answer.
 */
export function modelStreams(backend: Backend, repeats: Repeats): Figure {
  return {
    title: `${titleOf(backend, "continuous")}; TTFT at ${FEW} clients, continuous / queued`,
    async measure(setup) {
      const rates = await againstItself(backend, repeats, "continuous", setup);
      const worker = await setup.worker(backend);
      const continuous = await firstTokens(worker, "continuous", setup.folder);
      const queued = await firstTokens(worker, "queued", setup.folder);
      const ratio = median(continuous) / median(queued);
      return [
        ...rates,
        { what: "TTFT p50, continuous / queued", values: [ratio], digits: 3, atMost: 0.1 },
        { what: "TTFT, continuous", values: continuous, unit: "ms", digits: 0 },
        { what: "TTFT, queued", values: queued, unit: "ms", digits: 0 },
      ];
    },
  };
}

function titleOf(backend: Backend, mode: Mode): string {
  const [streaming, name] = mode === "continuous" ? ["streaming ", mode] : ["", `${mode} ${ROWS}`];
  return `tokens/s of ${backend} at ${ROWS} ${streaming}clients, ${name} / the backend in its own process`;
}

async function againstItself(
  backend: Backend,
  { turns: count, rounds }: Repeats,
  mode: Mode,
  { folder }: Setup,
): Promise<readonly Part[]> {
  const asked: Rounds = { ...WORK, rounds, stream: mode === "continuous" };
  const turns = await inTurns(count, {
    own: async () => ({ perSecond: await inItsOwnProcess({ ...asked, backend }, folder) }),
    async engine() {
      await using own = new Setup(folder);
      const { load } = await own.engine(mode, await own.worker(backend), { settings: BATCHES });
      await inRounds(load, { ...asked, rounds: 1 });
      return { perSecond: await inRounds(load, asked) };
    },
  }, { warmUps: 0 });
  return turns.compare("engine", "own", "perSecond", { what: "tokens/s", atLeast: 0.95 });
}

/** The time to first token of each request of the few clients. */
async function firstTokens(endpoint: string, mode: Mode, folder: string): Promise<Millis[]> {
  await using setup = new Setup(folder);
  const { load } = await setup.engine(mode, endpoint, { settings: TIMEOUT });
  const ttftMs: Millis[] = [];
  const client = async (number: number) => {
    for (let request = 0; request < REQUESTS_EACH; request++) {
      const index = FEW * request + number;
      const question = { index, prompt: PROMPTS[index % PROMPTS.length]!, maxTokens: WORK.maxTokens };
      const [first] = ok(await load.stream(question, NEVER)).arrivals ?? [];
      if (!first) throw new SetupError([`request ${index} of the ${mode} engine brought no token`]);
      ttftMs.push(first[0]);
    }
  };
  await inRounds(load, { prompts: PROMPTS.slice(0, FEW), maxTokens: 4, rounds: 1, stream: true });
  await Promise.all(Array.from({ length: FEW }, (_, number) => client(number)));
  return ttftMs;
}

/** Output tokens a second of clients, one for each prompt, that all ask at once in each round. */
async function inRounds(load: EngineLoad, { prompts, maxTokens, rounds, stream }: Rounds): Promise<number> {
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

const PROFILE = "a40";
const AT_ONCE = [1, 8, 32, 128] as const;
const MAX_TOKENS = 150;

/** What this measurement reads of a profile of the sim backend; `step_ms` has an entry for each of AT_ONCE. */
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
    const { load } = await setup.engine("continuous", await setup.simWorker(PROFILE));
    const parts: Part[] = [];
    for (const clients of AT_ONCE) {
      const prompts = Array.from({ length: clients }, (_, index) => PROMPTS[index % PROMPTS.length]!);
      const asked = { prompts, maxTokens: MAX_TOKENS, rounds: 2, stream: true };
      await inRounds(load, { ...asked, maxTokens: 1, rounds: 1 });
      const possible = possibleRate(profile, clients);
      const engine = await inRounds(load, asked);
      const own = await inItsOwnProcess(
        { ...asked, backend: "sim", model: PROFILE, rounds: 1 },
        setup.folder,
      );
      const rate = (what: string, value: number) => ({
        what: `tokens/s, ${what}`,
        values: [value],
        digits: 0,
      });
      parts.push(
        {
          what: `${clients} clients, engine / possible`,
          values: [engine / possible],
          digits: 3,
          atLeast: 0.98,
        },
        ...[rate("engine", engine), rate("possible", possible), rate("the backend in its own process", own)],
      );
    }
    return parts;
  },
};

/** Output tokens a second when `rows` rows join in one step and run for MAX_TOKENS steps. */
function possibleRate({ prefill_ms, prefill_row_ms, step_ms }: Profile, rows: number): number {
  const stepMs = step_ms.find(([at]) => at === rows)![1];
  const roundMs = prefill_ms + prefill_row_ms * rows + MAX_TOKENS * stepMs;
  return (rows * MAX_TOKENS) / (roundMs / 1000);
}
