import type { Millis, SchedulerStats, Ticket } from "../../../src/core/types.ts";
import { Broken } from "./broken.ts";
import { hasPlace, isDue } from "./laws.ts";
import type { Situation } from "./situation.ts";
import type { TrackedLane } from "./tracked.ts";

/** What was decided in this turn has been carried out in it. */
export function checkVerdicts({ book, judge, freed, toldWorker, counts }: Situation): void {
  for (const request of judge.judged) {
    if (request.verdict!.kind === "requeue") counts.retried++;
    if (request.verdict!.kind !== "requeue" && book.find(request.ticket) === request) {
      throw new Broken(
        "the worker's last word settles a request",
        `${request.verdict!.kind}`,
        request.ticket,
      );
    }
  }
  for (const { ticket, heard, given, sequence } of judge.heardFrom) {
    if (sequence > 0 && given !== heard && book.findRunning(sequence)) {
      throw new Broken("tokens come once and in order", `${heard} came, ${given} went on`, ticket);
    }
  }
  for (const ticket of judge.cancelled) {
    if (book.find(ticket)) throw new Broken("a cancel ends a request at once", "it goes on", ticket);
  }
  for (const sequence of freed) {
    if (!toldWorker.has(sequence)) {
      throw new Broken("the worker hears of each row that nobody waits for", `sequence ${sequence}`);
    }
  }
  for (const sequence of toldWorker) {
    if (!freed.has(sequence)) throw new Broken("only what has ended is cancelled", `sequence ${sequence}`);
  }
}

/** Nothing that is due has been left, and the core is woken in time for what comes next. */
export function checkTimes(situation: Situation): void {
  const { book, judge, now, wakeAt, woken } = situation;
  const overdue = book.nextDeadline();
  const silent = book.longestSilent();
  if (overdue && overdue.submission.deadline! <= now) {
    throw new Broken(
      "a deadline ends a request",
      `${now - overdue.submission.deadline!} ms ago`,
      overdue.ticket,
    );
  }
  if (woken && silent && judge.timeoutAt(silent) <= now) {
    throw new Broken("a silent worker is given up", `${now - silent.progressAt} ms`, silent.ticket);
  }
  let next = Math.min(
    overdue?.submission.deadline ?? Infinity,
    silent ? judge.timeoutAt(silent) : Infinity,
  );
  for (const lane of book.lanes) next = Math.min(next, groupDueAt(situation, lane));
  if (book.waiting > 0) {
    const { giveUpAt } = book;
    if (giveUpAt <= now) {
      throw new Broken("nobody waits for ever", "no worker, and yet it waits", oldest(situation));
    }
    next = Math.min(next, giveUpAt);
  }
  if (book.size > 0 ? wakeAt === undefined || wakeAt > next : wakeAt !== undefined) {
    const wish = wakeAt === undefined ? "not at all" : `at ${wakeAt}`;
    throw new Broken(
      "the core is woken when something is due",
      `at ${next}, it asks for ${wish}`,
      oldest(situation),
    );
  }
  if (woken && wakeAt !== undefined && wakeAt <= now) {
    throw new Broken("the core sleeps until something is due", `at ${now} it asks for ${wakeAt}`);
  }
}

/** Takes note of how many run of each mode whose requests wait for a place from now on. */
export function noteDrainRates({ book, now }: Situation): void {
  const asUsual = book.up.length > 0 && book.suspects.size === 0;
  for (const lane of book.lanes) {
    const waitsForPlace = asUsual && lane.waiting > 0 &&
      book.up.every((worker) => !hasPlace(book.next(lane, worker)!, worker));
    const running = () => book.workers.reduce((sum, worker) => sum + worker.shareOf(lane.mode).running, 0);
    lane.drainRate.update(waitsForPlace ? running() : undefined, now);
  }
}

/** When a mode has to let those that wait for it go, if nothing else happens; it must not have missed it. */
function groupDueAt({ book, now }: Situation, lane: TrackedLane): Millis {
  let next = Infinity;
  for (const worker of book.up) {
    const waiting = book.mayLeave(lane, worker);
    const oldest = waiting > 0 ? book.next(lane, worker) : undefined;
    if (!oldest || !hasPlace(oldest, worker)) continue;
    const dueAt = oldest.submission.receivedAt + lane.law.windowMs;
    next = Math.min(next, dueAt);
    if (!isDue(lane, { waiting, oldest, worker, now })) continue;
    const { running, groups } = worker.shareOf(lane.mode);
    const detail =
      `${lane.mode}: ${waiting} wait, ${running} run in ${groups} groups at worker ${worker.id}, ` +
      `due at ${dueAt}, now ${now}`;
    throw new Broken("nothing waits beside a free place", detail, oldest.ticket);
  }
  return next;
}

export function checkStats({ book, counts }: Situation, stats: SchedulerStats): void {
  const expected = {
    ...counts,
    queueDepth: book.waiting,
    queuedBytes: book.waitingBytes,
    inFlight: book.running,
  };
  for (const key of Object.keys(expected) as (keyof typeof expected)[]) {
    if (stats[key] !== expected[key]) {
      throw new Broken("the counts are right", `${key} is ${stats[key]} where ${expected[key]} are`);
    }
  }
}

/** Of all lanes. */
function oldest({ book }: Situation): Ticket | undefined {
  return [...book.tickets()].toSorted((a, b) => a - b).find((ticket) => book.find(ticket)!.sequence === 0);
}
