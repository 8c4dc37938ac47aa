import type { SchedulerCore } from "../../src/core/core.ts";
import { Broken } from "./oracle/broken.ts";
import type { Trace } from "./oracle/checked_core.ts";
import type { Millis } from "../../src/core/types.ts";
import { Agenda } from "./agenda.ts";
import { Clients } from "./clients.ts";
import { Engine, type MakeCore } from "./engine.ts";
import { Misfortune } from "./misfortune.ts";
import { type CoreSources, makeCore } from "./production_core.ts";
import { RpcWorker } from "./rpc_worker.ts";
import type { Scenario } from "./scenario.ts";
import { SessionWorker } from "./session_worker.ts";
import { Tally } from "./tally.ts";

/** More than this is no progress but a circle. */
const STEPS_PER_REQUEST = 2000;

export interface Run {
  readonly tally: Tally;
  /** What broke, if anything did. */
  readonly broken: Broken | undefined;
  /** Virtual milliseconds since the start. */
  readonly lastedMs: number;
  readonly turns: number;
}

/** The core that a scenario is about. */
export function coreOf({ mode, limits, workers }: Scenario, sources?: CoreSources): SchedulerCore {
  return makeCore({ settings: mode, limits, workers: workers.keys().toArray() }, sources);
}

const production: MakeCore = (scenario) => coreOf(scenario);

/** Plays one scenario to its end, or to the first promise that breaks. The same scenario always plays the same. */
export function simulate(scenario: Scenario, coreFor: MakeCore = production, trace?: Trace): Run {
  const agenda = new Agenda();
  const started = agenda.now;
  const tally = new Tally();
  const engine = new Engine(scenario, agenda, tally, coreFor, trace);
  const workers = scenario.workers.map(({ kind }, id) => {
    const Kind = kind === "session" ? SessionWorker : RpcWorker;
    return new Kind(id, scenario, agenda, tally, (events) => engine.hear(events));
  });
  engine.workers = workers;
  const clients = new Clients(scenario, agenda, engine);
  new Misfortune(scenario, agenda, tally, () => clients.done, engine, workers);
  let broken: Broken | undefined;
  try {
    const mostSteps = 100_000 + scenario.requests * STEPS_PER_REQUEST;
    let restBefore: Millis | undefined;
    while (agenda.next()) {
      if (agenda.passed > mostSteps) {
        throw new Broken("the engine comes to rest", `not in ${mostSteps} steps`);
      }
      if (!clients.done) continue;
      for (const worker of workers) worker.calm();
      restBefore ??= agenda.now + longestMs(scenario, engine.pending);
      if (agenda.now > restBefore && engine.pending > 0) {
        throw new Broken("nobody waits for ever", `${engine.pending} still wait long after the last fault`);
      }
    }
    engine.checkRest();
  } catch (error) {
    if (error instanceof Broken) broken = error;
    else broken = new Broken("the core never throws", error instanceof Error ? error.stack! : String(error));
  }
  return { tally, broken, lastedMs: agenda.now - started, turns: engine.turns };
}

/** How long it may take, once nothing more goes wrong, until so many requests have ended one after the other. */
function longestMs({ limits, faultGapMs }: Scenario, pending: number): Millis {
  const { rowTimeoutMs, workerWaitMs, maxAttempts } = limits;
  return pending * maxAttempts * rowTimeoutMs + workerWaitMs + 100 * faultGapMs + 60_000;
}
