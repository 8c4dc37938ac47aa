import { join } from "node:path";
import type { ParsedSettings } from "../../src/config/parse.ts";
import type { Millis } from "../../src/core/types.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { CONNECTIONS } from "../load/engine_load.ts";
import { runClosedLoop, runOpenLoop } from "../load/loops.ts";
import type { Load, RunPlan, TurnLimits, Variant } from "../plan.ts";
import {
  commonSettings,
  type RunEnvironment,
  surroundings,
  type TraceUse,
  type WorkerIdentity,
} from "../record/environment.ts";
import { Recorder } from "../record/recorder.ts";
import type { Cell, Sample, ScheduledRequest } from "../record/sample.ts";
import { requests, scheduleOf } from "../workload/requests.ts";
import { replay, sha256Of } from "../workload/trace.ts";
import { MeasuredEngine, type SeenWorker, workerChange } from "./measured_engine.ts";
import type { TurnProgress } from "./progress.ts";
import { type BenchWorker, benchWorker } from "./worker.ts";

/** Enough to open connections and fill caches; the requests are short, for no figure comes of them. */
const WARMUP_TOKENS = 8;
const WARMUP_REQUESTS = 8;

/** How long an engine may take to drop what a turn left without an answer; the next turn begins then in any case. */
const EMPTY_WITHIN_MS: Millis = 10_000;

/** The status of a request that did not get to an engine, or whose connection broke. */
const UNREACHED = "UNAVAILABLE";

/** What a run is asked to do, and where it leaves what it measures. */
export interface RunRequest {
  /** May still lack variants and loads that turns bring later. */
  readonly plan: RunPlan;
  readonly engine: ParsedSettings;
  /** HOST:PORT of a running engine; then none is started. */
  readonly target: string | undefined;
  /** The command line that asked for it. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly stop: AbortSignal;
}

/** One cell, measured for a while. */
export interface Turn {
  readonly variant: Variant;
  readonly load: Load;
  /** Counted from 0. Turns of one round send the same requests at the same times, whatever their variant; only the words of
   * made-up prompts differ, so that no variant finds its prompts in a cache that another filled. */
  readonly round: number;
  readonly limits: TurnLimits;
  readonly progress: TurnProgress;
  /** Open loop: may change the drawn instants before the first request is sent. */
  reshape?(schedule: readonly ScheduledRequest[]): readonly ScheduledRequest[];
  /** Called as each measured request is sent; those sent and not yet given to `progress` are under way. */
  onSent?(): void;
  /** Ends this turn alone: what is under way is cancelled, and the engine empty again when the turn resolves. */
  readonly cut?: AbortSignal;
}

/** One worker, the engines in front of it, and the folder that keeps what they were measured with. */
export class Lab implements AsyncDisposable {
  readonly #engines = new Map<string, MeasuredEngine>();
  readonly #warm = new Set<string>();
  readonly #problems = new Set<string>();
  #restarts = 0;
  /** The worker as an engine saw it last. */
  #seenWorker: SeenWorker | undefined;

  private constructor(
    private readonly asked: RunRequest,
    /** Null: a running engine has its own. */
    private readonly worker: BenchWorker | null,
    private readonly recorder: Recorder,
    private readonly parts: AsyncDisposableStack,
  ) {}

  /**
   * Has a worker ready when it resolves, and the folder begun.
   * @throws {SetupError} when there is no worker or engine to be had; an abort when `stop` fires before there is one.
   */
  static async open(asked: RunRequest): Promise<Lab> {
    const { plan, engine, target, command, folder, stop } = asked;
    await using parts = new AsyncDisposableStack();
    const around = await surroundings(); // before a worker's start keeps the machine busy
    const worker = target === undefined ? parts.use(await benchWorker(engine, folder, stop)) : null;
    const running = target === undefined
      ? undefined
      : parts.use(await MeasuredEngine.running(target, plan, stop));
    const environment: RunEnvironment = {
      startedAt: new Date().toISOString(),
      ...around,
      command,
      engine: worker && { ...commonSettings(engine.settings), WORKER_ENDPOINT: worker.identity.endpoint! },
      target: target ?? null,
      worker: running?.worker ?? worker?.identity ?? null,
      plan: running
        ? { ...plan, variants: plan.variants.map((one) => ({ ...one, mode: running.mode })) }
        : plan,
      traces: {},
      connections: CONNECTIONS,
    };
    const recorder = parts.use(new Recorder(folder, environment));
    const lab = new Lab(asked, worker, recorder, parts.move());
    if (running) plan.variants.forEach(({ name }) => lab.#engines.set(name, running));
    return lab;
  }

  /** What went wrong with engines, as complete lines. Failed requests are no problem but part of the recording. */
  get problems(): readonly string[] {
    return [...this.#problems];
  }

  /** The engine of `variant` was there and is no more. */
  isGone(variant: Variant): boolean {
    return this.#engines.get(variant.name)?.gone !== undefined;
  }

  /** How many sequences the worker runs at once, as the engine of `variant` knows it; null where it does not say. */
  async rowsOfWorker(variant: Variant): Promise<number | null> {
    return (await this.#engine(variant)).workerRows;
  }

  /**
   * Measures one cell for a while, after a warm-up in its first turn, and returns the samples it recorded. None when
   * its engine is gone.
   * @throws {SetupError} when its engine can't be started
   */
  async turn(turn: Turn): Promise<readonly Sample[]> {
    const { variant, load, round, progress, cut } = turn;
    const { stop } = this.asked;
    const engine = await this.#engine(variant);
    if (engine.gone !== undefined) this.#engineProblem(variant.name, engine.gone);
    if (stop.aborted || engine.gone !== undefined) return [];
    this.#describeCell(variant, load);
    const cell = { variant: variant.name, load: load.name };
    const samples: Sample[] = [];
    const record = (sample: Sample) => {
      this.recorder.sample(sample);
      if (sample.phase === "measured") samples.push(sample);
      progress.sample(sample);
      if (sample.status === UNREACHED) engine.suspect();
    };
    const context = { cell, round, transport: engine.transport, record, stop };
    await this.#warmUp(load, engine, context);
    progress.start();
    await this.#send(turn, engine, {
      ...context,
      phase: "measured",
      stop: cut === undefined ? stop : AbortSignal.any([stop, cut]),
      onSent: () => turn.onSent?.(),
    });
    const isLeft = samples.some(({ outcome }) => outcome !== "ok");
    if (isLeft && !stop.aborted) await engine.untilEmpty(EMPTY_WITHIN_MS);
    this.recorder.flush();
    await this.#look(cell, engine);
    return samples;
  }

  async #send(
    { variant, load, round, limits, reshape }: Turn,
    engine: MeasuredEngine,
    context: Context,
  ): Promise<void> {
    const { mix, seed: first } = this.asked.plan;
    const seed = seedOf(first, round);
    const wording = `${variant.name}, ${load.name}, ${round}`;
    if (load.kind === "closed") {
      const { requests: limit, durationMs } = limits;
      const asked = whileThere(engine, requests(mix, seed, wording));
      return await runClosedLoop({
        ...context,
        requests: asked,
        concurrency: load.concurrency,
        limit,
        durationMs,
      });
    }
    const { arrivals } = load;
    if (arrivals.kind === "trace") this.#describeTrace(load, arrivals.file, replay(arrivals, limits).use);
    const drawn = scheduleOf(load, mix, limits, seed, wording);
    await runOpenLoop({ ...context, schedule: reshape?.(drawn) ?? drawn });
  }

  /** Sends some short requests before the first turn of a cell. */
  async #warmUp(load: Load, engine: MeasuredEngine, context: Omit<Context, "phase">): Promise<void> {
    const name = JSON.stringify(context.cell);
    if (this.#warm.has(name)) return;
    this.#warm.add(name);
    const { mix, seed } = this.asked.plan;
    const concurrency = load.kind === "closed" ? load.concurrency : WARMUP_REQUESTS / 2;
    const short = requests(mix, seedOf(seed, -1))
      .map((request) => ({ ...request, maxTokens: Math.min(WARMUP_TOKENS, request.maxTokens) }));
    const limits = { limit: Math.max(WARMUP_REQUESTS, concurrency), durationMs: Infinity };
    await runClosedLoop({
      ...context,
      phase: "warmup",
      requests: whileThere(engine, short),
      concurrency,
      ...limits,
    });
  }

  async #engine(variant: Variant): Promise<MeasuredEngine> {
    const known = this.#engines.get(variant.name);
    if (known) return known;
    const { engine: { settings }, plan, stop } = this.asked;
    const own = { ...settings, ...variant.settings, WORKER_ENDPOINT: this.worker!.identity.endpoint! };
    const logFile = join(this.recorder.folder, `engine-${variant.name.replace(/[^\w.=-]+/g, "-")}.log`);
    const starting = MeasuredEngine.start({ variant, settings: own, logFile }, plan, stop);
    const engine = this.parts.use(
      await starting.catch((thrown) => {
        // What went wrong before may be why.
        throw thrown instanceof SetupError ? new SetupError([...this.#problems, ...thrown.problems]) : thrown;
      }),
    );
    this.#engines.set(variant.name, engine);
    this.#describeWorker(engine.worker);
    return engine;
  }

  /** Asks the engine after a turn whether it and its worker are still the ones they were. */
  async #look({ variant, load }: Cell, engine: MeasuredEngine): Promise<void> {
    if (this.asked.stop.aborted) return;
    const before = this.#seenWorker ?? engine.seenWorker;
    const seen = await engine.look();
    if (engine.gone !== undefined) this.#engineProblem(variant, engine.gone);
    if (seen?.wasRestarted) this.#engineProblem(variant, `was started again under ${load}`);
    const change = seen && workerChange(before, seen.worker);
    this.#seenWorker = seen?.worker ?? before;
    const { restarts = 0 } = this.worker ?? {};
    if (restarts > this.#restarts) {
      const log = join(this.recorder.folder, "worker.log");
      this.#problems.add(
        `the worker ended under ${variant}, ${load}, and was started again; its log: ${log}`,
      );
    } else if (change !== undefined) {
      this.#problems.add(`the worker ${change} under ${variant}, ${load}`);
    }
    this.#restarts = restarts;
  }

  /** `what` it did is the rest of a sentence. */
  #engineProblem(variant: string, what: string): void {
    const { target } = this.asked;
    const who = target === undefined ? `the engine of ${variant}` : `the engine at ${target}`;
    this.#problems.add(`${who} ${what}`);
  }

  /** Keeps what an engine has seen of the worker; the worker's own word goes before it. */
  #describeWorker(seen: WorkerIdentity): void {
    const { worker } = this.recorder.environment;
    const known = worker?.model ? worker : { ...seen, startedByBench: worker?.startedByBench ?? false };
    this.recorder.describe({ worker: { ...known, endpoint: worker?.endpoint ?? null } });
  }

  /** Keeps what a turn takes of the trace in `file`. */
  #describeTrace({ name }: Load, file: string, use: TraceUse): void {
    const { traces } = this.recorder.environment;
    const sha256 = traces[name]?.sha256 ?? sha256Of(file);
    this.recorder.describe({ traces: { ...traces, [name]: { sha256, ...use } } });
  }

  /** The kept plan names every variant and load that was measured: reports look them up there. */
  #describeCell(variant: Variant, load: Load): void {
    const { plan } = this.recorder.environment;
    const [variants, loads] = [withOne(plan.variants, variant), withOne(plan.loads, load)];
    if (variants === plan.variants && loads === plan.loads) return;
    this.recorder.describe({ plan: { ...plan, variants, loads } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.disposeAsync();
  }
}

type Context = Omit<Parameters<typeof runOpenLoop>[0], "schedule">;

/** Ends when the engine is gone: what is under way fails by itself, and its clients ask no more. */
function* whileThere<T>(engine: MeasuredEngine, items: Iterable<T>): Generator<T> {
  for (const item of items) {
    if (engine.gone !== undefined) return;
    yield item;
  }
}

/** Another seed for each round; -1 is the warm-up's. */
function seedOf(seed: number, round: number): number {
  return (seed + 7919 * (round + 1)) % 2 ** 31;
}

/** Adds an item; returns the same list when it has one of that name. */
function withOne<T extends { readonly name: string }>(items: readonly T[], one: T): readonly T[] {
  return items.some(({ name }) => name === one.name) ? items : [...items, one];
}
