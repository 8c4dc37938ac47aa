/** What the engine tells of its requests: the batches they left in, and where their time went. */
// @ts-types="@types/d3-array"
import { mean, rollup, sum } from "d3-array";
import type { Millis } from "../../src/core/types.ts";
import type { Sample } from "../record/sample.ts";
import type { Batches, Phases } from "./cell_summary.ts";
import { requestFigures } from "./requests.ts";

/** A group that left together, as far as the samples of one cell tell. */
export interface Batch {
  readonly id: number;
  readonly size: number;
  readonly reason: string;
  readonly round: number;
  /** The first of its requests was meant to leave. */
  readonly firstAt: Millis;
  /** By the generator's clock: the way to the engine is taken as half of what the round trip is longer than the engine's own time. */
  readonly dispatchedAt: Millis;
  /** Its last answer was there. */
  readonly endedAt: Millis;
}

/**
 * What left the engine together, of one cell. The engine counts its dispatches, so a round and a number name a batch
 * within a cell; each counts once, however many of its requests were recorded. In the order in which they left.
 */
export function batchesOf(samples: readonly Sample[]): Batch[] {
  const groups = Map.groupBy(
    samples.filter(({ dispatch }) => dispatch !== null),
    ({ round, dispatch }) => `${round} ${dispatch?.id}`,
  );
  return [...groups.values()].flatMap((members): Batch[] => {
    const [first] = members;
    if (!first?.dispatch) return [];
    const { dispatch: { id, size, reason }, round } = first;
    return [{
      id,
      size,
      reason,
      round,
      firstAt: Math.min(...members.map(({ intendedAt }) => intendedAt)),
      dispatchedAt: Math.max(...members.map(dispatchedAt)),
      endedAt: Math.max(...members.map(({ endedAt }) => endedAt)),
    }];
  }).sort((a, b) => a.dispatchedAt - b.dispatchedAt);
}

function dispatchedAt({ sentAt, endedAt, engineMs, dispatch }: Sample): Millis {
  const oneWayMs = Math.max(0, (endedAt - sentAt - engineMs) / 2);
  return sentAt + oneWayMs + (dispatch?.queueWaitMs ?? 0);
}

/** Null where no reply tells of a dispatch. */
export function batchFigures(requests: readonly Sample[]): Batches | null {
  const batches = batchesOf(requests);
  if (batches.length === 0) return null;
  const counts = (key: (batch: Batch) => string) =>
    Object.fromEntries(rollup(batches, ({ length }) => length, key));
  return {
    count: batches.length,
    meanSize: mean(batches, ({ size }) => size) ?? NaN,
    sizes: counts(({ size }) => `${size}`),
    reasons: counts(({ reason }) => reason),
  };
}

/** Means over the successful requests that have the engine's ledger; null where none has. */
export function phasesOf(requests: readonly Sample[]): Phases | null {
  const ledgers = requests.filter(({ outcome }) => outcome === "ok").flatMap((request) =>
    partsOf(request) ?? []
  );
  const [first] = ledgers;
  if (first === undefined) return null;
  const means = { ...first };
  for (const part of Object.keys(means) as (keyof Parts)[]) {
    means[part] = mean(ledgers, (parts) => parts[part]) ?? NaN;
  }
  return { ...means, samples: ledgers.length };
}

type Parts = { -readonly [Part in Exclude<keyof Phases, "samples">]: Phases[Part] };

/**
 * Where one request's time went. What the client waited and the engine didn't see is the network's, and so is the
 * engine's accepting. The residual is what the ledger's parts leave of the engine's own total.
 */
function partsOf(request: Sample): Parts | undefined {
  const { timing, engineMs } = request;
  if (timing === null) return undefined;
  const { e2eMs, sendToEndMs, latenessMs } = requestFigures(request);
  const { acceptMs, queueMs, batchMs, dispatchMs, prefillMs, decodeMs, replyMs } = timing;
  const networkMs = sendToEndMs - engineMs + acceptMs;
  const engine = { queueMs, batchMs, dispatchMs, prefillMs, decodeMs, replyMs };
  const residualMs = e2eMs - latenessMs - networkMs - sum(Object.values(engine));
  return { generatorMs: latenessMs, networkMs, ...engine, residualMs };
}
