import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import type { RequestSpec } from "../record/sample.ts";
import { sendOne, type Turn, turnName } from "./turn.ts";

/** A client whose request failed waits this long, so that an engine that is down is not asked in a hot loop. */
const PAUSE_AFTER_FAILURE_MS = 100;

export interface ClosedLoop extends Turn {
  readonly requests: Iterator<RequestSpec, unknown>;
  readonly concurrency: number;
  /** No request is sent after these many, or after this time; those under way are waited for. Infinity: no limit. */
  readonly limit: number;
  readonly durationMs: Millis;
}

/**
 * Runs `concurrency` clients that each ask again as soon as they have an answer, until all are done. A client is free when
 * its answer is there: what the generator does before it sends the next request is its lateness.
 */
export async function runClosedLoop(loop: ClosedLoop): Promise<void> {
  const { concurrency, limit, durationMs, requests, stop } = loop;
  const name = turnName(loop);
  const endAt = now() + durationMs;
  let left = limit;

  async function runClient(client: number): Promise<void> {
    let freeAt = now();
    while (left > 0 && !stop.aborted && freeAt < endAt) {
      const { value: request, done } = requests.next();
      if (done) return;
      left--;
      const { outcome, endedAt } = await sendOne(loop, name, request, client, freeAt);
      freeAt = endedAt;
      if (outcome === "failed") {
        await sleep(PAUSE_AFTER_FAILURE_MS, undefined, { signal: stop }).catch(() => {}); // ends early on a stop
        freeAt = now();
      }
    }
  }

  await Promise.all(Array.from({ length: concurrency }, (_, client) => runClient(client)));
}
