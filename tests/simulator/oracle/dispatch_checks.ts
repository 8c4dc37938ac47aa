import type { Millis, Ticket } from "../../../src/core/types.ts";
import type { DispatchGroup, DispatchMember } from "../../../src/core/events.ts";
import { wireId } from "../../../src/core/run.ts";
import { Broken } from "./broken.ts";
import { hasPlace, isDue, kindOf, tooLate } from "./laws.ts";
import type { Situation } from "./situation.ts";
import type { SentGroup, Tracked, TrackedLane, TrackedWorker } from "./tracked.ts";

/** A group leaves: takes note of it, and checks that it may, now, to this worker and in this order, and what is said of it. */
export function checkDispatch(situation: Situation, { dispatch, members, timeoutMs }: DispatchGroup): void {
  const { book, limits, now } = situation;
  const { id } = dispatch;
  const [first] = members;
  if (!first) throw new Broken("the mode's limits hold", `dispatch ${id} is empty`);
  const ticket = ticketOf(first.wireId);
  const lateMost = mostLateness(situation, members);
  const group: SentGroup = { dispatch, left: members.length };
  const worker = book.worker(dispatch.worker);
  if (id !== ++situation.counts.dispatches) {
    throw new Broken("dispatches are counted", `${id} for ${situation.counts.dispatches}`, ticket);
  }
  if (worker.state !== "up") {
    throw new Broken("only a worker that is up is sent to", `it is ${worker.state}`, ticket);
  }
  situation.counts.dispatchedRequests += members.length;
  const lane = book.find(ticket)?.lane;
  if (lane) {
    checkRoute(situation, lane, worker, members);
    worker.shareOf(lane.mode).groups++;
  }
  for (const member of members) {
    const request = checkMember(situation, member);
    if (request.lane !== lane) {
      const detail = `${request.lane.mode} leaves with ${lane?.mode}`;
      throw new Broken("a group is of one mode", detail, request.ticket);
    }
    checkOrder(situation, request, worker);
    book.start(request, member.sequence, worker, group, now);
    situation.lastSequence = member.sequence;
  }
  const among = worker.mostRunning;
  if (worker === book.aside && worker.rows.size > among) {
    const detail = `${worker.rows.size} run where ${among} may`;
    throw new Broken("a suspect runs among as many as it was lost with, then half as many", detail, ticket);
  }
  const { mode, law } = lane!;
  const { groups } = worker.shareOf(mode);
  const { running, limit } = kindOf(book.find(ticket)!, worker);
  if (members.length > law.maxGroup || groups > law.maxGroups || running > limit) {
    const detail =
      `${mode}: a group of ${members.length}, ${groups} groups, ${running} of ${limit} running; ${
        JSON.stringify(law)
      }`;
    throw new Broken("the mode's limits hold", detail, ticket);
  }
  let most = 0;
  for (const { remainingMs } of members) most = Math.max(most, remainingMs ?? Infinity);
  if (timeoutMs !== Math.min(most, limits.rowTimeoutMs)) {
    throw new Broken("a call lasts as long as somebody waits", `${timeoutMs} ms`, ticket);
  }
  if (!(dispatch.lateMs >= 0 && dispatch.lateMs <= lateMost)) {
    const detail = `${dispatch.lateMs} ms, where ${lateMost} can be`;
    throw new Broken("the scheduler is late only when it is asked late", detail, ticket);
  }
  const tickets = members.map(({ wireId }) => ticketOf(wireId));
  const known = dispatch.mode === mode && dispatch.at === now;
  if (!known || !law.reasons.includes(dispatch.reason) || dispatch.tickets.join() !== tickets.join()) {
    throw new Broken("a dispatch is told as it is", JSON.stringify(dispatch), ticket);
  }
}

/** Suspects go to the worker that is set aside for them, all others to the least loaded that may take them now. */
function checkRoute(
  situation: Situation,
  lane: TrackedLane,
  worker: TrackedWorker,
  members: readonly DispatchMember[],
): void {
  const { book, now } = situation;
  const { aside } = book;
  const ticket = ticketOf(members[0]!.wireId);
  if (book.suspects.has(book.find(ticket)!) !== (worker === aside)) {
    const detail = `worker ${aside?.id} is set aside for ${book.suspects.size}, sent to ${worker.id}`;
    throw new Broken("suspects are sent to one worker, and nothing else is", detail, ticket);
  }
  if (worker === aside) return;
  const able = book.up.filter((other) => {
    const oldest = other === aside ? undefined : book.next(lane, other);
    if (!oldest || !hasPlace(oldest, other)) return false;
    return isDue(lane, { waiting: book.mayLeave(lane, other), oldest, worker: other, now });
  });
  const best = book.emptiest(able);
  if (!best) return; // without a place the law's limits break
  if (best === worker) return checkShare(situation, lane, worker, { able, size: members.length });
  const detail = `${worker.rows.size} are at worker ${worker.id}, ${best.rows.size} at worker ${best.id}`;
  throw new Broken("a group goes to the least loaded worker that can take it", detail, ticket);
}

/** Where a mode knows no batches, several workers that can take what waits share it evenly. */
function checkShare(
  { arriving }: Situation,
  lane: TrackedLane,
  { rows }: TrackedWorker,
  { able, size }: { able: readonly TrackedWorker[]; size: number },
): void {
  const { law, waiting, waitingSuspects } = lane;
  const running = able.reduce((sum, other) => sum + other.rows.size, 0);
  const arrived = arriving.filter((request) => request.lane === lane).length;
  const level = Math.ceil((running + waiting - waitingSuspects + arrived) / able.length);
  if (Number.isFinite(law.maxGroup) || rows.size + size <= Math.max(level, rows.size + 1)) return;
  const detail = `${size} go where ${rows.size} are, ${level} is the level of ${able.length} workers`;
  throw new Broken("what is no batch is shared evenly", detail);
}

/** Of a request that was sent under this id. */
export function ticketOf(wireId: string): Ticket {
  return Number(wireId.slice(wireId.lastIndexOf("#") + 1));
}

function checkMember(situation: Situation, member: DispatchMember): Tracked {
  const { book, limits, now, lastSequence } = situation;
  const { sequence, submission, remainingMs } = member;
  const ticket = ticketOf(member.wireId);
  const request = book.find(ticket);
  if (!request) throw new Broken("nothing is sent that nobody waits for", "it is not open", ticket);
  if (request.submission !== submission || member.wireId !== wireId(submission.requestId, ticket)) {
    throw new Broken("a request leaves as it came", JSON.stringify(submission), ticket);
  }
  if (sequence <= lastSequence) {
    throw new Broken("sequence numbers are used once", `${sequence} after ${lastSequence}`, ticket);
  }
  const leftMs = submission.deadline === undefined ? undefined : submission.deadline - now;
  if (leftMs !== undefined && leftMs <= 0) {
    throw new Broken("nothing is sent after its deadline", `${-leftMs} ms late`, ticket);
  }
  // Where there is a window, the request may have waited for that alone.
  const hasWaitedForPlace = request.queuedAt < now && request.lane.law.windowMs === 0;
  if (hasWaitedForPlace && tooLate(limits, request, 0, now)) {
    const detail = `${request.lane.mode}: ${leftMs} ms are left`;
    throw new Broken("with REFUSE_LATE nothing is sent that can't be answered in time", detail, ticket);
  }
  if (remainingMs !== leftMs) {
    throw new Broken("the deadline goes along", `${remainingMs} ms for ${leftMs}`, ticket);
  }
  if (request.given > 0) {
    throw new Broken("nothing is sent again after a token", `${request.given} were given`, ticket);
  }
  if (request.tries >= limits.maxAttempts) {
    throw new Broken("a request has at most WORKER_TRIES tries", `${request.tries} before`, ticket);
  }
  if (request.sequence > 0) throw new Broken("a request runs once at a time", "it is at the worker", ticket);
  return request;
}

function checkOrder({ book }: Situation, request: Tracked, worker: TrackedWorker): void {
  const next = book.next(request.lane, worker);
  if (next === request) return;
  throw new Broken("requests leave in their order", `request ${next?.ticket} waits`, request.ticket);
}

/**
 * How late a dispatch may call itself: since the core was last asked, or since a member came that it hears of only now.
 * One that the clocks let arrive before those ahead of it is overdue as soon as these are gone.
 */
function mostLateness({ now, before, book }: Situation, members: readonly DispatchMember[]): Millis {
  let most = now - before;
  for (const { wireId, submission: { receivedAt } } of members) {
    const { queuedAt = now } = book.find(ticketOf(wireId)) ?? {};
    const acceptMs = queuedAt - receivedAt;
    most = Math.max(most, queuedAt === now ? acceptMs : now - before + acceptMs);
  }
  return most;
}
