/** Recordings for tests of reports: a queue, batches and a worker whose steps slow down with the rows it runs. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Load, RunPlan, Variant } from "../../../bench/plan.ts";
import { environmentOf, planOf } from "./environment.ts";
import { sampleOf } from "./sample.ts";
import type { Sample } from "../../../bench/record/sample.ts";
import type { ReportInput } from "../../../bench/report/input.ts";
import { plainSummary } from "./summary.ts";

/** How a variant lets requests go: groups of up to `size` after `windowMs`, so many `places` at the worker. */
interface Gate {
  readonly size: number;
  readonly windowMs: number;
  readonly places: number;
  readonly reason: string;
}

const START = Date.UTC(2026, 0, 31, 12);
const WIRE_MS = 0.4;

/** A cell of which a test says how fast and how late it is. */
export interface MadeCell {
  readonly variant: string;
  readonly load: string;
  readonly tokensPerSecond: number;
  readonly e2eMs: number;
  /** @default 5 */
  readonly rounds?: number;
  /** In each round. @default 40 */
  readonly requests?: number;
  /** The part of its tokens that a round gives. @default 1 */
  readonly trouble?: (round: number) => number;
  /** The share of requests that fail. @default 0 */
  readonly failing?: number;
}

/** Requests every 100 ms, whose tokens and latencies spread by a quarter; the cells take turns in each round. */
export function turnsInRounds(cells: readonly MadeCell[]): Sample[] {
  const random = xoroshiro128plus(1);
  const draw = () => uniformInt(random, 0, 1_000_000) / 1_000_000;
  return cells.flatMap((cell, at) => {
    const { variant, load, rounds = 5, requests = 40, trouble = () => 1, failing = 0 } = cell;
    return Array.from({ length: rounds * requests }, (_, place) => {
      const [round, index] = [Math.floor(place / requests), place % requests];
      const intendedAt = START + round * 1e6 + at * 1e5 + index * 100;
      const outcome = draw() < failing ? "failed" as const : "ok" as const;
      return sampleOf({
        ...{ variant, load, round, index, intendedAt, sentAt: intendedAt, outcome },
        endedAt: intendedAt + cell.e2eMs * (0.75 + 0.5 * draw()),
        outputTokens: Math.round(cell.tokensPerSecond / 10 * trouble(round) * (0.75 + 0.5 * draw())),
      });
    });
  });
}

/** Four modes under three closed loops, three rounds; some of direct's requests fail. */
export function modesInput(told: Partial<RunPlan> = {}): ReportInput {
  const variants: Variant[] = (["direct", "queued", "micro_batch", "continuous"] as const)
    .map((mode) => ({ name: mode, mode, settings: {} }));
  const loads = [closed(1), closed(8), closed(32)];
  return inputOf({ variants, loads, rounds: 3, requests: 120, ...told });
}

/** Twelve settings of one mode under two closed loops. */
export function sweepInput(): ReportInput {
  const variants: Variant[] = [0, 10, 20, 50].flatMap((BATCH_WINDOW_MS) =>
    [4, 16, 32].map((MAX_BATCH_SIZE) => ({
      name: `micro_batch BATCH_WINDOW_MS=${BATCH_WINDOW_MS} MAX_BATCH_SIZE=${MAX_BATCH_SIZE}`,
      mode: "micro_batch" as const,
      settings: { BATCH_WINDOW_MS, MAX_BATCH_SIZE },
    }))
  );
  return inputOf({ variants, loads: [closed(8), closed(32)], rounds: 2, requests: 96 });
}

/** One variant under open loops of growing rates. */
export function ratesInput(): ReportInput {
  const loads: Load[] = [2, 5, 10, 15].map((rate) => ({
    kind: "open",
    name: `${rate}/s poisson`,
    arrivals: { kind: "poisson", rate },
  }));
  return inputOf({
    variants: [{ name: "continuous", mode: "continuous", settings: {} }],
    loads,
    requests: 150,
  });
}

export function closed(concurrency: number): Load {
  return { kind: "closed", name: concurrency === 1 ? "1 client" : `${concurrency} clients`, concurrency };
}

export function inputOf(told: Partial<RunPlan>): ReportInput {
  const plan = planOf(told);
  const worker = {
    endpoint: "http://127.0.0.1:50071",
    startedByBench: true,
    backend: "sim",
    model: "a40",
    simulated: true,
  };
  const command = ["run", "--modes", plan.variants.map(({ name }) => name).join(",")];
  const environment = environmentOf({ plan, worker, command, target: null });
  const samples = recordingOf(plan);
  return { environment, plan, samples, summary: plainSummary(samples, plan) };
}

function recordingOf(plan: RunPlan): Sample[] {
  const random = xoroshiro128plus(plan.seed);
  const draw = () => uniformInt(random, 1, 1_000_000) / 1_000_000;
  const samples: Sample[] = [];
  const dispatches = new Map<string, number>();
  let clock = START;
  for (let round = 0; round < plan.rounds; round++) {
    for (const variant of plan.variants) {
      for (const load of plan.loads) {
        const requests = Math.ceil((plan.requests ?? 100) / plan.rounds);
        const firstId = dispatches.get(variant.name) ?? 0;
        const turn = turnOf(variant, load, round, requests, clock, firstId, draw);
        dispatches.set(variant.name, firstId + turn.length);
        samples.push(...turn);
        clock = Math.max(...turn.map(({ endedAt }) => endedAt)) + 500;
      }
    }
  }
  return samples;
}

function turnOf(
  variant: Variant,
  load: Load,
  round: number,
  requests: number,
  start: number,
  firstId: number,
  draw: () => number,
): Sample[] {
  const clients = load.kind === "closed" ? load.concurrency : 16;
  const gate = gateOf(variant, clients);
  const waiting = load.kind === "closed"
    ? Array.from({ length: Math.min(clients, requests) }, (_, client) => ({ at: start, client }))
    : poisson(load, requests, start, draw);
  const free = Array.from({ length: gate.places }, () => start);
  const samples: Sample[] = [];
  let asked = waiting.length;
  for (let id = firstId + 1; waiting.length > 0; id++) {
    waiting.sort((a, b) => a.at - b.at);
    free.sort((a, b) => a - b);
    const opened = waiting[0]?.at ?? start;
    const full = waiting[gate.size - 1]?.at ?? Infinity;
    const due = Math.min(full, opened + gate.windowMs);
    const placeAt = Math.max(opened, free[0] ?? start);
    const dispatchedAt = Math.max(due, placeAt) + WIRE_MS;
    const members = waiting.filter(({ at }) => at <= dispatchedAt).slice(0, gate.size);
    waiting.splice(0, members.length);
    const rows = gate.size > 1 ? members.length : Math.min(gate.places, clients);
    const reason = gate.size > 1 && members.length === gate.size ? "full" : gate.reason;
    let lastEnd = dispatchedAt;
    for (const { at, client } of members) {
      const outputTokens = 16 + Math.floor(32 * draw());
      const prefillMs = 18 + 1.5 * rows + 6 * draw();
      const stepMs = (6 + 0.22 * rows) * (0.95 + 0.1 * draw());
      const decodeMs = stepMs * (outputTokens - 1);
      const endedAt = dispatchedAt + prefillMs + decodeMs + 2 * WIRE_MS;
      const queueMs = Math.max(0, placeAt - at);
      const failed = variant.name === "direct" && clients > 16 && draw() < 0.04;
      lastEnd = Math.max(lastEnd, endedAt);
      samples.push(sampleOf({
        variant: variant.name,
        load: load.name,
        round,
        index: samples.length,
        client: load.kind === "closed" ? client : null,
        intendedAt: at,
        sentAt: at + 0.1 * draw(),
        endedAt: failed ? at + 5 : endedAt,
        outputTokens: failed ? 0 : outputTokens,
        firstTextMs: failed ? null : dispatchedAt - at + prefillMs,
        arrivals: failed ? null : Array.from(
          { length: outputTokens },
          (_, token) => [dispatchedAt - at + prefillMs + token * stepMs, 1] as const,
        ),
        engineMs: endedAt - at - 2 * WIRE_MS,
        queueWaitMs: failed ? null : dispatchedAt - at - WIRE_MS,
        simulated: true,
        ...(failed
          ? { outcome: "failed", status: "RESOURCE_EXHAUSTED", errorMessage: "the queue is full (1024)" }
          : {
            dispatch: {
              id,
              size: members.length,
              reason,
              queueWaitMs: dispatchedAt - at - WIRE_MS,
              lateMs: 0,
              attempts: 1,
            },
            timing: {
              acceptMs: 0.05,
              queueMs,
              batchMs: dispatchedAt - at - WIRE_MS - queueMs,
              dispatchMs: 0.3,
              prefillMs,
              decodeMs,
              replyMs: 0.05,
            },
          }),
      }));
      if (load.kind === "closed" && asked < requests) {
        asked++;
        waiting.push({ at: (failed ? at + 5 : endedAt) + 1, client });
      }
    }
    free[0] = lastEnd;
  }
  return samples;
}

function gateOf({ mode, settings }: Variant, clients: number): Gate {
  const { MAX_BATCH_SIZE = 32, BATCH_WINDOW_MS = 20 } = settings;
  if (mode === "queued") return { size: 1, windowMs: 0, places: 1, reason: "slot" };
  if (mode === "micro_batch") {
    return { size: MAX_BATCH_SIZE, windowMs: BATCH_WINDOW_MS, places: 1, reason: "window" };
  }
  if (mode === "continuous") return { size: 1, windowMs: 0, places: 16, reason: "gate" };
  return { size: 1, windowMs: 0, places: clients, reason: "direct" };
}

function poisson(load: Load, requests: number, start: number, draw: () => number) {
  const rate = load.kind === "open" && load.arrivals.kind === "poisson" ? load.arrivals.rate : 1;
  let at = start;
  return Array.from(
    { length: requests },
    (_, client) => ({ at: at += -Math.log(draw()) * 1000 / rate, client }),
  );
}
