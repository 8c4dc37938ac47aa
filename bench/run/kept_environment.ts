import type { Load, Variant } from "../plan.ts";
import type { RunEnvironment, WorkerIdentity } from "../record/environment.ts";
import type { Recorder } from "../record/recorder.ts";
import { sha256Of, type TraceUse } from "../workload/trace.ts";
import type { MeasuredEngine } from "./measured_engine.ts";

/** What a reader of the samples must know, put into the run's folder as it becomes known. */
export class KeptEnvironment {
  /** @param environment as the recorder has it */
  constructor(private readonly recorder: Recorder, private environment: RunEnvironment) {}

  /** What an engine has seen of the worker; the worker's own word goes before it. */
  seen(seen: WorkerIdentity): void {
    const { worker } = this.environment;
    const known = worker?.model ? worker : { ...seen, startedByBench: worker?.startedByBench ?? false };
    this.#now({ worker: { ...known, endpoint: worker?.endpoint ?? null } });
  }

  /** What a turn takes of the trace in `file`. */
  trace({ name }: Load, file: string, use: TraceUse): void {
    const { traces } = this.environment;
    const sha256 = traces[name]?.sha256 ?? sha256Of(file);
    this.#now({ traces: { ...traces, [name]: { sha256, ...use } } });
  }

  /** The kept plan names every variant and load that was measured: reports look them up there. */
  cell(variant: Variant, load: Load): void {
    const { plan } = this.environment;
    const variants = withOne(plan.variants, variant);
    const loads = withOne(plan.loads, load);
    if (variants === plan.variants && loads === plan.loads) return;
    this.#now({ plan: { ...plan, variants, loads } });
  }

  #now(told: Partial<RunEnvironment>): void {
    this.environment = { ...this.environment, ...told };
    this.recorder.describe(this.environment);
  }
}

/** With what an engine that runs already says of itself. */
export function describedBy({ worker, mode }: MeasuredEngine, asked: RunEnvironment): RunEnvironment {
  const variants = asked.plan.variants.map((variant) => ({ ...variant, mode }));
  return { ...asked, worker, plan: { ...asked.plan, variants } };
}

/** The same list when it has one of that name. */
function withOne<T extends { readonly name: string }>(items: readonly T[], one: T): readonly T[] {
  return items.some(({ name }) => name === one.name) ? items : [...items, one];
}
