// @ts-types="@types/d3-array"
import { bisectRight } from "d3-array";
import type { Millis } from "../../src/core/types.ts";

/** A trial that goes on while so many are under way would only fill memory. */
const MOST_UNDER_WAY = 20_000;
const SURELY_LATE_SIGMAS = 5;

/**
 * Watches an open loop for a backlog that grows beyond doubt, so that a hopeless rate need not be endured to its end.
 * Instants are counted from the turn's start and only rise.
 */
export class Backlog {
  readonly #sentAt: Millis[] = [];
  readonly #endedAt: Millis[] = [];

  /** Nothing is judged before `settleMs`: an engine that fills up grows too. */
  constructor(private readonly settleMs: Millis) {}

  sent(atMs: Millis): void {
    this.#sentAt.push(atMs);
  }

  ended(atMs: Millis): void {
    this.#endedAt.push(atMs);
  }

  /** Requests that were sent and have not ended. */
  get underWay(): number {
    return this.#sentAt.length - this.#endedAt.length;
  }

  /**
   * Since half the time fewer than three requests ended for each four that were sent, by more than five standard
   * deviations of a Poisson count, and the backlog is at least half as large again as it was then.
   */
  hopelessAt(atMs: Millis): boolean {
    if (this.underWay > MOST_UNDER_WAY) return true;
    if (atMs < this.settleMs) return false;
    const sentBefore = bisectRight(this.#sentAt, atMs / 2);
    const endedBefore = bisectRight(this.#endedAt, atMs / 2);
    const sent = this.#sentAt.length - sentBefore;
    const ended = this.#endedAt.length - endedBefore;
    return ended < 0.75 * sent && sent - ended > SURELY_LATE_SIGMAS * Math.sqrt(sent) &&
      this.underWay >= 1.5 * (sentBefore - endedBefore);
  }
}
