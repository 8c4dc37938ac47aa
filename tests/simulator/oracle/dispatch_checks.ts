import type { DispatchNotice, Millis, Ticket } from "../../../src/core/types.ts";
import type { DispatchGroup, DispatchMember } from "../../../src/core/events.ts";
import { wireId } from "../../../src/core/wire_id.ts";
import { Broken } from "./broken.ts";
import { kindOf, tooLate } from "./laws.ts";
import type { Situation } from "./situation.ts";
import type { SentGroup, Tracked } from "./tracked.ts";

/** A group leaves: takes note of it, and checks that it may, now and in this order, and that it is told as it is. */
export function checkDispatch(
  situation: Situation,
  { id, members, timeoutMs }: DispatchGroup,
  notice: DispatchNotice,
): void {
  const { book, limits, patience, now } = situation;
  const [first] = members;
  if (!first) throw new Broken("the mode's limits hold", `dispatch ${id} is empty`);
  const ticket = ticketOf(first.wireId);
  const lateMost = mostLateness(situation, members);
  const group: SentGroup = { notice, left: members.length };
  if (id !== ++situation.counts.dispatches) {
    throw new Broken("dispatches are counted", `${id} for ${situation.counts.dispatches}`, ticket);
  }
  situation.counts.dispatchedRequests += members.length;
  const lane = book.find(ticket)?.lane;
  if (lane) lane.groups++;
  for (const member of members) {
    const request = checkMember(situation, member);
    if (request.lane !== lane) {
      const detail = `${request.lane.mode} leaves with ${lane?.mode}`;
      throw new Broken("a group is of one mode", detail, request.ticket);
    }
    book.start(request, member.sequence, group, now);
    situation.lastSequence = member.sequence;
  }
  const among = book.mostRunning();
  if (book.suspects.size > 0 && book.running > among) {
    const detail = `${book.running} run where ${among} may`;
    throw new Broken("a suspect runs among as many as it was lost with, then half as many", detail, ticket);
  }
  if (patience.state !== "up") {
    throw new Broken("only a worker that is up is sent to", `it is ${patience.state}`, ticket);
  }
  const { mode, law, groups } = lane!;
  const { running, limit } = kindOf(book.find(ticket)!, patience);
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
  if (!(notice.lateMs >= 0 && notice.lateMs <= lateMost)) {
    const detail = `${notice.lateMs} ms, where ${lateMost} can be`;
    throw new Broken("the scheduler is late only when it is asked late", detail, ticket);
  }
  const tickets = members.map(({ wireId }) => ticketOf(wireId));
  const known = notice.id === id && notice.mode === mode && notice.at === now;
  if (!known || !law.reasons.includes(notice.reason) || notice.tickets.join() !== tickets.join()) {
    throw new Broken("a dispatch is told as it is", JSON.stringify(notice), ticket);
  }
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
  if (book.suspects.size > 0 && !book.suspects.has(request)) {
    throw new Broken("nothing is sent beside suspects", `${book.suspects.size} are open`, ticket);
  }
  if (request.sequence > 0) throw new Broken("a request runs once at a time", "it is at the worker", ticket);
  const oldest = book.oldestWaiting(request.lane)!;
  if (oldest !== request) {
    throw new Broken("first in, first out, suspects before others", `request ${oldest.ticket} waits`, ticket);
  }
  return request;
}

/** How late a dispatch may call itself: since the core was last asked, or since a member came that it hears of only now. */
function mostLateness({ now, before, book }: Situation, members: readonly DispatchMember[]): Millis {
  let most = now - before;
  for (const { wireId, submission } of members) {
    if (book.find(ticketOf(wireId))?.queuedAt === now) most = Math.max(most, now - submission.receivedAt);
  }
  return most;
}
