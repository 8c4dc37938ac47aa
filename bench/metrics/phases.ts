// @ts-types="@types/d3-array"
import { mean } from "d3-array";
import type { Sample } from "../record/sample.ts";
import type { Phases } from "./cell_summary.ts";
import { requestFigures } from "./request.ts";

type Parts = Omit<Phases, "samples">;

/** Means over the successful requests that have the engine's ledger; null where none has. */
export function phasesOf(requests: readonly Sample[]): Phases | null {
  const ledgers = requests.filter(({ outcome }) => outcome === "ok").flatMap((request) =>
    partsOf(request) ?? []
  );
  if (ledgers.length === 0) return null;
  const average = (part: keyof Parts) => mean(ledgers, (parts) => parts[part]) ?? NaN;
  return {
    generatorMs: average("generatorMs"),
    networkMs: average("networkMs"),
    queueMs: average("queueMs"),
    batchMs: average("batchMs"),
    dispatchMs: average("dispatchMs"),
    prefillMs: average("prefillMs"),
    decodeMs: average("decodeMs"),
    replyMs: average("replyMs"),
    residualMs: average("residualMs"),
    samples: ledgers.length,
  };
}

/**
 * Where one request's time went. What the client waited and the engine didn't see is the network's, and so is the
 * engine's accepting. The residual is what the ledger's parts leave of the engine's own total.
 */
function partsOf(request: Sample): Parts | undefined {
  const { timing, engineMs } = request;
  if (timing === null) return undefined;
  const { acceptMs, queueMs, batchMs, dispatchMs, prefillMs, decodeMs, replyMs } = timing;
  const { e2eMs, sendToEndMs, latenessMs } = requestFigures(request);
  const networkMs = sendToEndMs - engineMs + acceptMs;
  const known = latenessMs + networkMs + queueMs + batchMs + dispatchMs + prefillMs + decodeMs + replyMs;
  return {
    generatorMs: latenessMs,
    networkMs,
    queueMs,
    batchMs,
    dispatchMs,
    prefillMs,
    decodeMs,
    replyMs,
    residualMs: e2eMs - known,
  };
}
