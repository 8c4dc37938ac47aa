/** What the engine tells of its requests: the batches they left in, and where their time went. */
// @ts-types="@types/d3-array"
import { mean, rollup, sum } from "d3-array";
import type { Sample, SampleDispatch } from "../record/sample.ts";
import type { Batches, Phases } from "./cell_summary.ts";
import { requestFigures } from "./requests.ts";

/**
 * What left the engine together. The engine counts its dispatches, so a round and a number name a batch within a cell;
 * each counts once, however many of its requests were recorded. Null where no reply tells of a dispatch.
 */
export function batchesOf(requests: readonly Sample[]): Batches | null {
  const byName = new Map<string, SampleDispatch>();
  for (const { round, dispatch } of requests) {
    if (dispatch) byName.set(`${round} ${dispatch.id}`, dispatch);
  }
  if (byName.size === 0) return null;
  const batches = [...byName.values()];
  return {
    count: batches.length,
    meanSize: mean(batches, ({ size }) => size) ?? NaN,
    sizes: countsBy(batches.toSorted((a, b) => a.size - b.size), ({ size }) => `${size}`),
    reasons: countsBy(batches, ({ reason }) => reason),
  };
}

function countsBy(
  batches: readonly SampleDispatch[],
  key: (batch: SampleDispatch) => string,
): Record<string, number> {
  return Object.fromEntries(rollup(batches, (those) => those.length, key));
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
