/** The lab's own parts over a real engine and a real worker whose service times are known. */
import { join } from "node:path";
import type { Settings } from "../../src/config/config.ts";
import { parseSettings } from "../../src/config/parse.ts";
import type { Millis, Mode } from "../../src/core/types.ts";
import { runClosedLoop, runOpenLoop, type Transport } from "../../bench/load/loops.ts";
import { EngineLoad } from "../../bench/load/engine_load.ts";
import type { CellSummary } from "../../bench/metrics/cell_summary.ts";
import { summarizeCell } from "../../bench/metrics/summary.ts";
import type { Arrivals, Lengths, Load, RequestMix } from "../../bench/plan.ts";
import type { Sample } from "../../bench/record/sample.ts";
import { type ServerProcess, startEngineProcess, untilReady } from "../../bench/run/engine_process.ts";
import { requests, scheduleOf } from "../../bench/workload/requests.ts";
import { type Profile, SimWorker } from "../support/sim_worker.ts";

export interface KnownTimes {
  readonly profile: Profile;
  readonly mode: Mode;
  readonly settings?: Partial<Settings>;
  /** Output tokens of each request; each takes a step of the profile. */
  readonly output: Lengths;
  /** @default false */
  readonly stream?: boolean;
}

/** One measured cell: what was recorded, and the lab's figures of it. */
export interface MeasuredCell {
  /** In the order in which they were sent. */
  readonly samples: readonly Sample[];
  readonly summary: CellSummary;
}

/** grpc-js keeps timers and sockets for a moment after a close. */
export const GRPC_TEST = { sanitizeOps: false, sanitizeResources: false } as const;

const SEED = 1;
const NEVER = new AbortController().signal;
const REQUEST_TIMEOUT_MS: Millis = 20_000;
const READY_WITHIN_MS: Millis = 15_000;

export class LabOfKnownTimes implements AsyncDisposable {
  private constructor(
    readonly engine: ServerProcess,
    private readonly transport: Transport,
    private readonly mix: RequestMix,
    private readonly mode: Mode,
    private readonly parts: AsyncDisposableStack,
  ) {}

  /** Has asked a few requests already when it resolves. */
  static async start(
    { profile, mode, settings = {}, output, stream = false }: KnownTimes,
  ): Promise<LabOfKnownTimes> {
    await using parts = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "omnispan-lab-" });
    parts.defer(() => Deno.remove(folder, { recursive: true }));
    const worker = parts.use(await SimWorker.start({ profile }));
    const fallback = parseSettings([], { LOG_LEVEL: "error" }).settings;
    const own = { ...fallback, ...settings, WORKER_ENDPOINT: `http://${worker.address}` };
    const engine = parts.use(
      await startEngineProcess(own, { name: mode, mode }, join(folder, "engine.log")),
    );
    const load = parts.use(new EngineLoad(engine.address, REQUEST_TIMEOUT_MS));
    await untilReady(load, "the engine", READY_WITHIN_MS, NEVER);
    const transport = load.transport(stream);
    const lab = new LabOfKnownTimes(engine, transport, mixOf(output), mode, parts.move());
    await lab.closed(2, { requests: 10 });
    return lab;
  }

  /** A closed loop of so many clients; the durations end the asking. */
  async closed(
    concurrency: number,
    { requests: limit = Infinity, durationMs = Infinity }: { requests?: number; durationMs?: Millis },
  ): Promise<MeasuredCell> {
    const load: Load = { kind: "closed", name: `${concurrency} clients`, concurrency };
    return await this.#measure(
      load,
      (turn) =>
        runClosedLoop({ ...turn, requests: requests(this.mix, SEED), concurrency, limit, durationMs }),
    );
  }

  /** An open loop of so long; `meanwhile` starts with it and is waited for. */
  async open(
    arrivals: Arrivals,
    durationMs: Millis,
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<MeasuredCell> {
    const load = { kind: "open", name: arrivals.kind, arrivals } as const;
    const schedule = scheduleOf(load, this.mix, { requests: Infinity, durationMs }, SEED);
    return await this.#measure(load, async (turn) => {
      await Promise.all([runOpenLoop({ ...turn, schedule }), meanwhile()]);
    });
  }

  async #measure(
    load: Load,
    run: (turn: Omit<Parameters<typeof runOpenLoop>[0], "schedule">) => Promise<void>,
  ): Promise<MeasuredCell> {
    const samples: Sample[] = [];
    await run({
      cell: { variant: this.mode, load: load.name },
      round: 0,
      phase: "measured",
      transport: this.transport,
      record: (sample) => samples.push(sample),
      stop: NEVER,
    });
    samples.sort((a, b) => a.index - b.index);
    return { samples, summary: summarizeCell(samples, load, {}) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.disposeAsync();
  }
}

/** The lab itself says that its generator did not keep the schedule: other programs have the machine. */
export function isLate({ summary }: MeasuredCell): boolean {
  return summary.verdict.findings.some(({ kind }) => kind === "generator_late");
}

/** As late as the generator's thread may be, two more may be on the way to the worker and back: the engine's and the
 * worker's. A millisecond or two on a machine that nobody else uses. */
export function hurryMs({ summary }: MeasuredCell): Millis {
  return 2 * summary.latenessMs.p99.value;
}

function mixOf(output: Lengths): RequestMix {
  const prompt = {
    kind: "tokens",
    length: { kind: "fixed", tokens: 8 },
    sharedPrefix: 0,
    prefixes: 1,
  } as const;
  const tenants = [{ name: "test", weight: 1 }];
  return { classes: [{ name: "known", weight: 1, prompt, output, exactOutput: true, tenants }] };
}
