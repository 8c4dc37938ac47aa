import { now } from "../../src/clock.ts";
import type { ScheduledRequest } from "../record/sample.ts";
import { Pacer } from "./pacer.ts";
import { sendOne, type Turn, turnName } from "./turn.ts";

export interface OpenLoop extends Turn {
  /** In the order of their instants. */
  readonly schedule: readonly ScheduledRequest[];
}

/**
 * Sends each request at its instant, whatever becomes of those before it, and waits for all of them. Where the
 * process comes late it sends all that is due at once: it skips none and never slows down, and the lateness stands
 * in the sample as `sentAt` after `intendedAt`. Instants count from the moment at which the pacer is ready.
 */
export async function runOpenLoop(loop: OpenLoop): Promise<void> {
  const { schedule, stop } = loop;
  const name = turnName(loop);
  using pacer = await Pacer.start();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const startedAt = now();
  let [sent, recorded] = [0, 0];

  const endIfDone = () => {
    if (recorded === sent && (stop.aborted || sent === schedule.length)) end();
  };

  function sendDue(): number {
    for (let request = schedule[sent]; request && !stop.aborted; request = schedule[sent]) {
      const intendedAt = startedAt + request.atMs;
      if (intendedAt > now()) break;
      sent++;
      void sendOne(loop, name, request, null, intendedAt).then(() => {
        recorded++;
        sendDue(); // many answers at once must not hold up what is due
        endIfDone();
      });
    }
    return sent;
  }

  stop.addEventListener("abort", endIfDone, { once: true });
  endIfDone();
  pacer.pace(schedule.map(({ atMs }) => startedAt + atMs), sendDue);
  await ended;
  stop.removeEventListener("abort", endIfDone);
}
