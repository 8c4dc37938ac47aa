/**
 * What every figure of bench:speed stands on: it starts the processes that are measured, lets the variants take turns,
 * and compares them turn by turn.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Backend } from "../../src/config/backends.ts";
import type { Settings } from "../../src/config/config.ts";
import { parseSettings } from "../../src/config/parse.ts";
import type { Mode } from "../../src/core/types.ts";
import { LocalWorker } from "../../src/supervisor/local_worker.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { EngineLoad } from "../load/engine_load.ts";
import { countTokens } from "../load/stream.ts";
import { percentile as percentileOfSorted } from "../../src/percentile.ts";
import type { Checkout } from "../plan.ts";
import type { Result } from "../record/sample.ts";
import { ServerProcess, startEngineProcess, untilReady } from "../run/engine_process.ts";
import { SetupProgress } from "../run/progress.ts";
import { planLocal } from "./backend.ts";

export const NEVER = new AbortController().signal;
const READY_WITHIN_MS = 15_000;
const REQUEST_TIMEOUT_MS = 600_000;

/** One thing that the engine costs or reaches. */
export interface Figure {
  readonly title: string;
  /** @throws {SetupError} when something that it needs is missing, or a request failed */
  measure(setup: Setup): Promise<readonly Part[]>;
}

/** A line of a figure. */
export interface Part {
  readonly what: string;
  /** Every single measurement. */
  readonly values: readonly number[];
  /** Which percentile of the values counts. @default 50 */
  readonly percent?: number;
  readonly unit?: string;
  /** @default 2 */
  readonly digits?: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The steps of a worker of the sim backend; see worker/backends/profiles. */
export interface SimProfile {
  readonly source: string;
  readonly step_ms: readonly (readonly [rows: number, ms: number])[];
  readonly max_rows: number;
}

export interface EngineOptions {
  readonly settings?: Partial<Settings>;
  /** Tells it from others of its mode. */
  readonly name?: string;
  /** Wins over the settings, and is for what is none. */
  readonly env?: Readonly<Record<string, string>>;
  readonly checkout?: Checkout;
}

/** An engine process that has its worker, and a client of it. */
export interface StartedEngine {
  readonly address: string;
  readonly pid: number;
  readonly load: EngineLoad;
}

export interface StartedServer {
  readonly address: string;
  readonly pid: number;
}

/** The processes of a figure or of one of its turns, which end with it, the last one first. */
export class Setup implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();

  constructor(readonly folder: string) {}

  /** Starts a worker of the sim backend on a free port and returns its endpoint; `env` are settings of the worker. */
  async simWorker(profile: string | SimProfile, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const file = join(this.folder, "profile.json");
    if (typeof profile !== "string") await Deno.writeTextFile(file, JSON.stringify(profile));
    return await this.worker("sim", { SIM_PROFILE: typeof profile === "string" ? profile : file, ...env });
  }

  async worker(backend: Backend, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { plan, endpoint } = planLocal(backend);
    const progress = this.#parts.use(new SetupProgress(this.folder));
    await this.#parts.use(new LocalWorker({ ...plan, env: { ...plan.env, ...env } }, progress)).start(NEVER);
    return endpoint;
  }

  async engine(mode: Mode, endpoint: string, options: EngineOptions = {}): Promise<StartedEngine> {
    const { settings: changes, name = mode, env, checkout } = options;
    const given = Object.entries({ ...changes, WORKER_ENDPOINT: endpoint }).map((
      [name, value],
    ) => [name, `${value}`]);
    const { settings } = parseSettings([], Object.fromEntries(given));
    const variant = { name, mode, ...(checkout && { checkout }) };
    const process = this.#parts.use(
      await startEngineProcess(settings, variant, join(this.folder, `engine-${name}.log`), env),
    );
    const load = this.client(process.address);
    await untilReady(load, `the ${name} engine`, READY_WITHIN_MS, NEVER);
    return { address: process.address, pid: process.pid, load };
  }

  client(address: string): EngineLoad {
    return this.#parts.use(new EngineLoad(address, REQUEST_TIMEOUT_MS));
  }

  /** Starts a server of `bare_server.ts` as a process. */
  async server(kind: string, ...args: readonly string[]): Promise<StartedServer> {
    const script = fileURLToPath(new URL("bare_server.ts", import.meta.url));
    const server = { who: `the ${kind} server`, args: ["-A", script, kind, ...args] };
    return this.#parts.use(await ServerProcess.start(server));
  }

  /** Ends with the other parts. */
  use<T extends Disposable | AsyncDisposable>(part: T): T {
    return this.#parts.use(part);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** What the variants came to, each in as many turns as the others: turn n of one was measured beside turn n of another. */
export class Turns<Variant extends string, Measure extends string> {
  constructor(private readonly turns: ReadonlyMap<Variant, readonly Readonly<Record<Measure, number>>[]>) {}

  of(variant: Variant, measure: Measure): number[] {
    return (this.turns.get(variant) ?? []).map((turn) => turn[measure]);
  }

  median(variant: Variant, measure: Measure): number {
    return median(this.of(variant, measure));
  }

  /** One for each turn. */
  ratios(over: Variant, under: Variant, measure: Measure): number[] {
    const below = this.of(under, measure);
    return this.of(over, measure).map((value, turn) => value / below[turn]!);
  }

  /** The ratios, and what they are made of. */
  compare(over: Variant, under: Variant, measure: Measure, of: Omit<Part, "values">): readonly Part[] {
    const { what, unit = "", digits = 0, ...aim } = of;
    return [
      { what: `${what}, ${over} / ${under}`, values: this.ratios(over, under, measure), ...aim },
      ...[over, under].map((name) => ({
        what: `${what}, ${name}`,
        values: this.of(name, measure),
        unit,
        digits,
      })),
    ];
  }
}

type Measuring<Variant extends string, Measure extends string> = Readonly<
  Record<Variant, (turn: number) => Promise<Readonly<Record<Measure, number>>>>
>;

/**
 * Lets each variant have `count` turns, the order going round, so that whatever the machine does beside meets all alike.
 * Turns before turn 0 warm up and are not kept.
 */
export async function inTurns<Variant extends string, Measure extends string>(
  count: number,
  variants: Measuring<Variant, Measure>,
  { warmUps = 1 }: { readonly warmUps?: number } = {},
): Promise<Turns<Variant, Measure>> {
  const names = Object.keys(variants) as Variant[];
  const turns = new Map(names.map((name) => [name, [] as Readonly<Record<Measure, number>>[]]));
  for (let turn = -warmUps; turn < count; turn++) {
    const first = Math.max(0, turn) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const measured = await variants[name](turn);
      if (turn >= 0) turns.get(name)!.push(measured);
    }
  }
  return new Turns(turns);
}

/** Computes a percentile as everywhere (`src/percentile.ts`), of samples in any order. */
export function percentile(samples: readonly number[], percent: number): number {
  return percentileOfSorted(samples.toSorted((a, b) => a - b), percent);
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}

/** @throws {SetupError} when the request failed, or brought other tokens than it counts */
export function ok(result: Result): Result {
  const { outcome, status, errorMessage, outputTokens, arrivals } = result;
  if (outcome !== "ok") {
    throw new SetupError([`a request of the measurement failed: ${status}: ${errorMessage}`]);
  }
  const streamed = arrivals && countTokens(arrivals);
  if (streamed !== null && streamed !== outputTokens) {
    throw new SetupError([`a stream brought ${streamed} tokens and counts ${outputTokens}`]);
  }
  return result;
}

/** Makes sure by the engine's own counters that all requests went through it and none is left. */
export async function checkCounters(load: EngineLoad, requests: number): Promise<void> {
  const { acceptedRequests, settledRequests, dispatchedRequests, refusedRequests } = await load.stats(5000);
  if ([acceptedRequests, settledRequests, dispatchedRequests].every((count) => count === requests)) return;
  throw new SetupError([
    `the engine must have dispatched and settled ${requests} requests, but accepted ${acceptedRequests}, ` +
    `dispatched ${dispatchedRequests}, settled ${settledRequests} and refused ${refusedRequests}`,
  ]);
}

/** `/proc` counts a hundred of them to the second on every Linux that Deno runs on. */
const TICK_US = 10_000;

/**
 * Runs a load of so many requests, which gives their rate, and looks what CPU time the process took meanwhile.
 * @throws {SetupError} where there is no /proc
 */
export async function cpuPerRequest(
  pid: number,
  requests: number,
  load: () => Promise<number>,
): Promise<{ readonly cpuUs: number; readonly perSecond: number }> {
  const before = await cpuTicks(pid);
  const perSecond = await load();
  return { cpuUs: (await cpuTicks(pid) - before) * TICK_US / requests, perSecond };
}

/** User and system time of a process since its start. */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => {
    throw new SetupError(["the CPU time of a process is read from /proc, which this system has not"]);
  });
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
  return user! + system!;
}

/** Resident memory of a process. */
export async function residentMb(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}
