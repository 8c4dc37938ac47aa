/** The two ways to ask: clients that wait for their answers, and a schedule that waits for nobody. */
import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import { cutToBytes } from "../../src/utf8.ts";
import type { Cell, RequestSpec, Result, Sample, ScheduledRequest, Sending } from "../record/sample.ts";
import { Pacer } from "./pacer.ts";

/** The load generator's way to whatever is measured; schedule and recorder know no other. */
export interface Transport {
  /**
   * A failure is a result too, so this never rejects; it settles soon after `stop` fires. `requestId` is the request's
   * name on the wire, used once in a run.
   */
  send(request: RequestSpec, stop: AbortSignal, requestId: string): Promise<Result>;
}

/** Both kinds of loop send one cell of a round, through a transport to a recorder. */
export interface LoopContext {
  readonly cell: Cell;
  readonly round: number;
  readonly phase: Sending["phase"];
  readonly transport: Transport;
  /** Called once for each request that was sent, when it has ended. */
  record(sample: Sample): void;
  /** Called as each request is sent; those sent and not yet recorded are in flight. */
  onSent?(): void;
  /** Nothing is sent after it; what is under way is cancelled and recorded as interrupted. */
  readonly stop: AbortSignal;
}

/** A client whose request failed waits this long, so that an engine that is down is not asked in a hot loop. */
const PAUSE_AFTER_FAILURE_MS = 100;

export interface ClosedLoop extends LoopContext {
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
  const prefix = idPrefix(loop);
  const endAt = now() + durationMs;
  let left = limit;

  async function runClient(client: number): Promise<void> {
    let freeAt = now();
    while (left > 0 && !stop.aborted && freeAt < endAt) {
      const { value: request, done } = requests.next();
      if (done) return;
      left--;
      const { outcome, endedAt } = await sendOne(loop, prefix, request, client, freeAt);
      freeAt = endedAt;
      if (outcome === "failed") {
        await sleep(PAUSE_AFTER_FAILURE_MS, undefined, { signal: stop }).catch(() => {}); // ends early on a stop
        freeAt = now();
      }
    }
  }

  await Promise.all(Array.from({ length: concurrency }, (_, client) => runClient(client)));
}

export interface OpenLoop extends LoopContext {
  /** Requests in the order of their instants. */
  readonly schedule: readonly ScheduledRequest[];
}

/**
 * Sends each request at its instant, whatever becomes of those before it, and waits for all of them. Where the
 * process comes late it sends all that is due at once: it skips none and never slows down, and the lateness stands
 * in the sample as `sentAt` after `intendedAt`. Instants count from the moment at which the pacer is ready.
 */
export async function runOpenLoop(loop: OpenLoop): Promise<void> {
  const { schedule, stop } = loop;
  const prefix = idPrefix(loop);
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
      void sendOne(loop, prefix, request, null, intendedAt).then(() => {
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

/** Names and variants can be long, and an engine takes a request id of up to 256 bytes. */
const LONGEST_PREFIX = 200;

/** Makes the beginning that all request ids of a turn share; with the index of its request an id is unique in a run. */
function idPrefix({ cell: { variant, load }, round, phase }: LoopContext): string {
  return cutToBytes(`${phase}/${round}/${variant}/${load}`, LONGEST_PREFIX);
}

/** Sends one request and records what came of it. Never rejects. */
async function sendOne(
  context: LoopContext,
  prefix: string,
  request: RequestSpec,
  client: number | null,
  intendedAt: Millis,
): Promise<Sample> {
  const { transport, stop, cell, round, phase } = context;
  const { index, tenant, maxTokens } = request;
  context.onSent?.();
  const sentAt = now();
  const result = await transport.send(request, stop, `${prefix}/${index}`);
  const endedAt = now();
  const { variant, load } = cell;
  const place = { variant, load, round, phase, index, class: request.class, tenant, client, maxTokens };
  const sample = { ...place, intendedAt, sentAt, endedAt, ...result };
  context.record(sample);
  return sample;
}
