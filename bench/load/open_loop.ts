import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../src/clock.ts";
import type { ScheduledRequest } from "../record/sample.ts";
import { sendOne, type Turn, turnName } from "./turn.ts";

export interface OpenLoop extends Turn {
  /** In the order of their instants, which count from the call of `runOpenLoop`. */
  readonly schedule: readonly ScheduledRequest[];
}

/**
 * Sends each request at its instant, whatever becomes of those before it, and waits for all of them. Where the
 * process comes late it sends all that is due at once: it skips none and never slows down, and the lateness stands
 * in the sample as `sentAt` after `intendedAt`.
 */
export async function runOpenLoop(loop: OpenLoop): Promise<void> {
  const { schedule, stop } = loop;
  const name = turnName(loop);
  const startedAt = now();
  const underWay: Promise<unknown>[] = [];
  for (let next = 0; next < schedule.length && !stop.aborted;) {
    while (next < schedule.length && startedAt + schedule[next]!.atMs <= now()) {
      const request = schedule[next++]!;
      underWay.push(sendOne(loop, name, request, null, startedAt + request.atMs));
    }
    await sleep(1);
  }
  await Promise.all(underWay);
}
