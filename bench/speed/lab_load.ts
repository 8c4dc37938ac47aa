/** The lab's own load, from the schedule to the samples, for figures that need to know what came of each request. */
import { runClosedLoop, runOpenLoop } from "../load/loops.ts";
import type { EngineLoad } from "../load/engine_load.ts";
import type { Arrivals, RequestMix } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { requests, scheduleOf } from "../workload/requests.ts";
import { NEVER } from "./harness.ts";

export interface LabLoad {
  readonly seconds: number;
  /** Output tokens of each request. */
  readonly tokens: number;
  readonly stream: boolean;
  readonly seed: number;
}

/** Natural prompts at the instants of the arrivals, whatever becomes of those before. */
export async function sendOpenLoop(
  engine: EngineLoad,
  { arrivals, ...load }: LabLoad & { readonly arrivals: Arrivals },
): Promise<readonly Sample[]> {
  const limits = { requests: Infinity, durationMs: 1000 * load.seconds };
  const open = { kind: "open", name: "open loop", arrivals } as const;
  const schedule = scheduleOf(open, mixOf(load), limits, load.seed);
  return await recorded(engine, load, (turn) => runOpenLoop({ ...turn, schedule }));
}

/** Natural prompts of clients that each wait for their answer before they ask again. */
export function sendClosedLoop(
  engine: EngineLoad,
  { concurrency, ...load }: LabLoad & { readonly concurrency: number },
): Promise<readonly Sample[]> {
  const clients = { requests: requests(mixOf(load), load.seed), concurrency, limit: Infinity };
  return recorded(
    engine,
    load,
    (turn) => runClosedLoop({ ...turn, ...clients, durationMs: 1000 * load.seconds }),
  );
}

async function recorded(
  engine: EngineLoad,
  { stream }: LabLoad,
  send: (turn: Omit<Parameters<typeof runOpenLoop>[0], "schedule">) => Promise<void>,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  await send({
    cell: { variant: "engine", load: "speed" },
    round: 0,
    phase: "measured",
    transport: engine.transport(stream),
    record: (sample) => void samples.push(sample),
    stop: NEVER,
  });
  return samples;
}

function mixOf({ tokens }: LabLoad): RequestMix {
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
