import type { Second } from "./last_minute.ts";
import type { LiveWindow } from "../../live/feed.ts";
import { counted, decimal, millis, percent } from "../../live/format.ts";

export type WindowFigures = Pick<
  Second,
  | "windowBatches"
  | "windowRequests"
  | "fullBatches"
  | "aloneBatches"
  | "waiters"
  | "waitedMs"
  | "firstTokenMs"
  | "aloneWaiters"
  | "aloneWaitedMs"
>;

/** With fewer batches there is no verdict. */
const ENOUGH_BATCHES = 10;
/** Batches that are smaller in the mean save the worker too little to wait for. */
const WORTH_SIZE = 1.5;
/** A smaller share of the time to the first token is lost in the noise. */
const FELT_SHARE = 0.01;

/**
 * Does the batching window bring more than it costs? It costs what requests wait for others, which is a part of their
 * time to the first token. It brings company: a worker runs a batch of n in not much more than the time of one. So
 * waiting is worth its price as long as most of it was for company that came, and batches are well above one; a wait
 * that nobody feels is not held against it.
 * @param windowMs The longest window of all modes.
 * @param isWindowed Whether ENGINE_MODE has a window; requests that chose another mode are judged whatever it is.
 */
export function judgeWindow(windowMs: number, isWindowed: boolean, figures: WindowFigures): LiveWindow {
  const { windowBatches: batches, windowRequests, fullBatches, aloneBatches, waiters, waitedMs } = figures;
  const shares = {
    batches,
    meanSize: ratio(windowRequests, batches),
    fullShare: ratio(fullBatches, batches),
    aloneShare: ratio(aloneBatches, batches),
    meanBatchWaitMs: ratio(waitedMs, waiters),
  };
  if (!isWindowed && batches === 0) {
    return { verdict: "off", why: "No window: requests wait for no others in this ENGINE_MODE.", ...shares };
  }
  if (windowMs === 0) return { verdict: "off", why: "No window: its length is 0 ms.", ...shares };
  if (batches < ENOUGH_BATCHES) {
    const why = `Too few to tell: ${counted(batches, "batch", "batches")} in the last 60 s.`;
    return { verdict: "idle", why, ...shares };
  }
  return { ...judge(figures, shares), ...shares };
}

function judge(
  { waitedMs, firstTokenMs, aloneWaiters, aloneWaitedMs }: WindowFigures,
  { meanSize, fullShare, aloneShare, meanBatchWaitMs }: Omit<LiveWindow, "verdict" | "why">,
): Pick<LiveWindow, "verdict" | "why"> {
  const price = ratio(waitedMs, firstTokenMs);
  const felt = firstTokenMs > 0 ? `, ${percent(price)} of its time to the first token` : "";
  const wait = `${millis(meanBatchWaitMs)}${felt}`;
  const fill = `batches of ${decimal(meanSize)} in the mean, ${percent(fullShare)} left full`;
  if (firstTokenMs > 0 && price < FELT_SHARE) {
    return { verdict: "pays", why: `The window costs next to nothing: a request waited ${wait}; ${fill}.` };
  }
  if (aloneWaitedMs > waitedMs / 2) {
    const alone = `${percent(aloneShare)} of the batches left alone after waiting it out`;
    const inVain = `a request waited ${millis(aloneWaitedMs / aloneWaiters)} for company that did not come`;
    return { verdict: "costs", why: `The window costs: ${alone}; ${inVain}.` };
  }
  if (meanSize < WORTH_SIZE) {
    return {
      verdict: "costs",
      why: `The window costs: ${fill}; for so little company a request waited ${wait}.`,
    };
  }
  return { verdict: "pays", why: `The window pays: ${fill}; for that a request waited ${wait}.` };
}

function ratio(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}
