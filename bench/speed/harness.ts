/**
 * What every figure of bench:speed stands on: it starts the processes that are measured, lets the variants take turns,
 * and compares them turn by turn.
 */
import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Backend } from "../../src/config/backends.ts";
import type { Settings } from "../../src/config/config.ts";
import { parseSettings } from "../../src/config/parse.ts";
import type { Mode } from "../../src/core/types.ts";
import { percentile as percentileOfSorted } from "../../src/percentile.ts";
import { workerEndpoint } from "../../src/serve/find_worker.ts";
import { LocalWorker } from "../../src/supervisor/local_worker.ts";
import { planWorker, type WorkerPlan } from "../../src/supervisor/plan.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { testEnvironment } from "../../tests/support/python.ts";
import { EngineLoad } from "../load/engine_load.ts";
import { countTokens } from "../load/stream.ts";
import type { Checkout } from "../plan.ts";
import type { Result } from "../record/sample.ts";
import { ServerProcess, startEngineProcess, untilReady } from "../run/engine_process.ts";
import { SetupProgress } from "../run/progress.ts";

export const NEVER = new AbortController().signal;
export const PROMPT = "Tell me one fact about the moon, please.";
const READY_WITHIN_MS = 15_000;
const REQUEST_TIMEOUT_MS = 600_000;
export const STATS_WITHIN_MS = 30_000;

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

/** Variables of a process's environment. */
export type Env = Readonly<Record<string, string>>;

export interface EngineOptions {
  readonly settings?: Partial<Settings>;
  /** Distinguishes it from others of its mode. */
  readonly name?: string;
  /** Wins over the settings, and is for what is none. */
  readonly env?: Env;
  readonly checkout?: Checkout;
}

/** A server process that is measured, and a client of it. */
export interface Target {
  readonly address: string;
  readonly pid: number;
  readonly load: EngineLoad;
}

/** vLLM as its tests run it: without a GPU, and with a context that leaves memory for the others on the machine. */
const VLLM_ON_CPU = { VLLM_MAX_MODEL_LEN: "2048", WORKER_MAX_ROWS: "32" };

/** A worker on a free port, as `serve` would start it, and where it will listen. */
export function planLocal(backend: Backend): { readonly plan: WorkerPlan; readonly endpoint: string } {
  const { settings, given } = parseSettings([], { WORKER_BACKEND: backend, WORKER_PORT: "0" });
  const endpoint = workerEndpoint(settings, given);
  const plan = planWorker({ ...settings, WORKER_ENDPOINT: endpoint }, given, Deno.build);
  if (backend !== "vllm") return { plan, endpoint };
  const env = { ...plan.env, ...VLLM_ON_CPU };
  return { plan: { ...plan, environment: testEnvironment("vllm"), env }, endpoint };
}

/** The processes of a figure or of one of its turns, which end with it, the last one first. */
export class Setup extends AsyncDisposableStack {
  constructor(readonly folder: string) {
    super();
  }

  /** Starts a worker of the sim backend on a free port and returns its endpoint; `env` are settings of the worker. */
  async simWorker(profile: string | SimProfile, env: Env = {}): Promise<string> {
    const file = join(this.folder, "profile.json");
    if (typeof profile !== "string") await Deno.writeTextFile(file, JSON.stringify(profile));
    return await this.worker("sim", { SIM_PROFILE: typeof profile === "string" ? profile : file, ...env });
  }

  async worker(backend: Backend, env: Env = {}): Promise<string> {
    const { plan, endpoint } = planLocal(backend);
    const progress = this.use(new SetupProgress(this.folder));
    await this.use(new LocalWorker({ ...plan, env: { ...plan.env, ...env } }, progress)).start(NEVER);
    return endpoint;
  }

  /** Starts an engine, which has its worker when this resolves. */
  async engine(mode: Mode, endpoint: string, options: EngineOptions = {}): Promise<Target> {
    const { settings: changes, name = mode, env, checkout } = options;
    const given = Object.entries({ ...changes, WORKER_ENDPOINT: endpoint });
    const { settings } = parseSettings(
      [],
      Object.fromEntries(given.map(([key, value]) => [key, `${value}`])),
    );
    const variant = { name, mode, ...(checkout && { checkout }) };
    const log = join(this.folder, `engine-${name}.log`);
    const engine = this.#target(await startEngineProcess(settings, variant, log, env));
    await untilReady(engine.load, `the ${name} engine`, READY_WITHIN_MS, NEVER);
    return engine;
  }

  /** Starts a server of `bare_server.ts` as a process. */
  async server(kind: string, ...args: readonly string[]): Promise<Target> {
    const script = fileURLToPath(new URL("bare_server.ts", import.meta.url));
    return this.#target(
      await ServerProcess.start({ who: `the ${kind} server`, args: ["-A", script, kind, ...args] }),
    );
  }

  #target(server: ServerProcess): Target {
    const { address, pid } = this.use(server);
    return { address, pid, load: this.use(new EngineLoad(address, REQUEST_TIMEOUT_MS)) };
  }

  /** A client of one service with a connection of its own. */
  stub<Client extends { close(): void }>(
    Service: new (address: string, credentials: ChannelCredentials, options: ClientOptions) => Client,
    address: string,
  ): Client {
    const options = { "grpc.use_local_subchannel_pool": 1 };
    return this.adopt(new Service(address, credentials.createInsecure(), options), (stub) => stub.close());
  }
}

/** What the variants came to, each in as many turns as the others: turn n of one was measured beside turn n of another. */
export type Turns<Variant extends string, Measured> = Readonly<Record<Variant, readonly Measured[]>>;

/**
 * Lets each variant have `count` turns, the order going round, so that whatever the machine does beside meets all alike.
 * Turns before turn 0 warm up and are not kept.
 */
export async function inTurns<Variant extends string, Measured>(
  count: number,
  variants: Readonly<Record<Variant, (turn: number) => Promise<Measured>>>,
  { warmUps = 1 }: { readonly warmUps?: number } = {},
): Promise<Turns<Variant, Measured>> {
  const names = Object.keys(variants) as Variant[];
  const turns = Object.fromEntries(names.map((name) => [name, [] as Measured[]])) as Record<
    Variant,
    Measured[]
  >;
  for (let turn = -warmUps; turn < count; turn++) {
    const first = Math.max(0, turn) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const measured = await variants[name](turn);
      if (turn >= 0) turns[name].push(measured);
    }
  }
  return turns;
}

/** How a measure is written, by the end of its name. */
const FORMS: Readonly<Record<string, Pick<Part, "unit" | "digits">>> = {
  Ms: { unit: "ms" },
  Us: { unit: "us", digits: 0 },
  PerSecond: { digits: 0 },
};

type Measures<Measure extends string> = Readonly<Record<Measure, number>>;

/** A measure of one variant, a value for each turn. */
export function part<Measure extends string>(
  what: string,
  turns: readonly Measures<Measure>[],
  measure: Measure,
  aim: Omit<Part, "what" | "values"> = {},
): Part {
  const [, form] = Object.entries(FORMS).find(([end]) => new RegExp(`${end}$`, "i").test(measure)) ?? [];
  return { what, values: turns.map((turn) => turn[measure]), ...form, ...aim };
}

/** What one variant came to over what another did, turn by turn. */
export function ratio<Measure extends string>(
  what: string,
  [over, under]: readonly [readonly Measures<Measure>[], readonly Measures<Measure>[]],
  measure: Measure,
  aim: Omit<Part, "what" | "values"> = {},
): Part {
  return { what, values: over.map((turn, at) => turn[measure] / under[at]![measure]), ...aim };
}

/** The ratio of two variants, and what it is made of. */
export function compared<Variant extends string, Measure extends string>(
  what: string,
  turns: Turns<Variant, Measures<Measure>>,
  [over, under]: readonly [Variant, Variant],
  measure: Measure,
  aim: Pick<Part, "atLeast" | "atMost"> = {},
): readonly Part[] {
  return [
    ratio(`${what}, ${over} / ${under}`, [turns[over], turns[under]], measure, aim),
    ...[over, under].map((name) => part(`${what}, ${name}`, turns[name], measure)),
  ];
}

/** Computes a percentile as everywhere (`src/percentile.ts`), of samples in any order. */
export function percentile(samples: readonly number[], percent: number): number {
  return percentileOfSorted(samples.toSorted((a, b) => a - b), percent);
}

/** The reply of a unary call. */
export function replyOf<Reply>(
  call: (callback: (error: Error | null, reply?: Reply) => void) => void,
): Promise<Reply> {
  return new Promise((resolve, reject) => call((error, reply) => reply ? resolve(reply) : reject(error)));
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

const COUNTERS = ["acceptedRequests", "dispatchedRequests", "settledRequests"] as const;

/** Makes sure by the server's own counters that just so many requests went through it meanwhile and none is left. */
export async function counted<T>({ load }: Target, requests: number, run: () => Promise<T>): Promise<T> {
  const before = await load.stats(STATS_WITHIN_MS);
  const result = await run();
  const after = await load.stats(STATS_WITHIN_MS);
  const counts = COUNTERS.map((name) => after[name] - before[name]);
  if (counts.every((count) => count === requests)) return result;
  const refused = after.refusedRequests - before.refusedRequests;
  const [accepted, dispatched, settled] = counts;
  throw new SetupError([
    `the engine must have dispatched and settled ${requests} requests, but accepted ${accepted}, ` +
    `dispatched ${dispatched}, settled ${settled} and refused ${refused}`,
  ]);
}

/** `/proc` counts a hundred of them to the second on every Linux that Deno runs on. */
const TICK_US = 10_000;

/** User and system time of a process since its start. @throws {SetupError} where there is no /proc */
export async function cpuTimeUs({ pid }: Pick<Target, "pid">): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => {
    throw new SetupError(["the CPU time of a process is read from /proc, which this system has not"]);
  });
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
  return (user! + system!) * TICK_US;
}

/** Resident memory of a process. */
export async function residentMb({ pid }: Pick<Target, "pid">): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}
