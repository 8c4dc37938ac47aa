import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../src/clock.ts";
import type { Millis } from "../src/types.ts";
import type { Level, Result, Sample, WorkItem } from "./sample.ts";

/** A client whose request failed waits this long, so that an engine that is down is not asked in a hot loop. */
const PAUSE_AFTER_FAILURE_MS = 100;

export interface ClosedLoop {
  readonly level: Level;
  readonly phase: Sample["phase"];
  readonly work: Iterator<WorkItem, unknown>;
  /** No request is started after these many, or after this time; those under way are waited for. */
  readonly requests: number;
  readonly durationMs: Millis;
  /** Never rejects; settles soon after `stop` fires. */
  send(item: WorkItem, stop: AbortSignal): Promise<Result>;
  record(sample: Sample): void;
  readonly stop: AbortSignal;
}

/** Runs `level.concurrency` clients that each ask again as soon as they have an answer, until all are done. */
export async function runClosedLoop(loop: ClosedLoop): Promise<void> {
  const { level, phase, stop } = loop;
  const endAt = now() + loop.durationMs;
  let left = loop.requests;

  async function runClient(client: number): Promise<void> {
    while (left > 0 && !stop.aborted) {
      const intendedAt = now();
      if (intendedAt >= endAt) return;
      const { value: item, done } = loop.work.next();
      if (done) return;
      left--;
      const sentAt = now();
      const result = await loop.send(item, stop);
      const receivedAt = now();
      const { index, maxTokens } = item;
      const latencyMs = receivedAt - intendedAt;
      const when = { intendedAt, sentAt, receivedAt, latencyMs };
      loop.record({ ...result, ...level, phase, index, client, maxTokens, ...when });
      if (result.outcome === "failed") {
        await sleep(PAUSE_AFTER_FAILURE_MS, undefined, { signal: stop }).catch(() => {}); // ends early on a stop
      }
    }
  }

  await Promise.all(Array.from({ length: level.concurrency }, (_, client) => runClient(client)));
}
