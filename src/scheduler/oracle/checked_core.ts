/**
 * A scheduler core under watch: every event it is told and every effect it gives are held against its promises,
 * worked out a second time from the outside. The first promise that breaks is thrown.
 */
import type { Millis, SequenceId, SchedulerStats, Submission, Ticket, TokenDelta } from "../../types.ts";
import type { CoreLimits, DispatchGroup, DispatchMember, Effect, Event, Outcome, SchedulerCore } from "../core.ts";
import { wireId } from "../wire_id.ts";
import { answerText, tokensOf } from "./answers.ts";
import { Broken } from "./broken.ts";
import { type ModeLaw, Patience } from "./laws.ts";
import { Book, type SentGroup, track, type Tracked } from "./tracked.ts";
import { Judge } from "./verdicts.ts";

export type Core = Pick<SchedulerCore, "handle" | "stats">;
export type Answered = Extract<Outcome, { kind: "answered" }>;
export type Refused = Extract<Outcome, { kind: "refused" }>;
/** Hears of each turn of the core, before its effects are checked. */
export type Trace = (now: Millis, events: readonly Event[], effects: readonly Effect[]) => void;

export class CheckedCore {
  readonly #book = new Book();
  readonly #judge: Judge;
  readonly #patience: Patience;
  /** Arrivals of this turn that are neither taken nor refused yet, oldest first. */
  #arriving: Tracked[] = [];
  #toldWorker = new Set<SequenceId>();
  /** Sequences the worker must be told of in this turn. */
  #freed: SequenceId[] = [];
  /** The time as the core must see it: never back. */
  #now: Millis = -Infinity;
  #before: Millis = -Infinity;
  #wakeAt: Millis | undefined;
  #lastTicket: Ticket = 0;
  #lastSequence: SequenceId = 0;
  #accepted = 0;
  #settled = 0;
  #refused = 0;
  #wasUp = false;
  #sawArrivals = false;

  constructor(
    private readonly core: Core,
    private readonly law: ModeLaw,
    private readonly limits: CoreLimits,
    private readonly trace?: Trace,
  ) {
    this.#judge = new Judge(this.#book, limits);
    this.#patience = new Patience(limits.workerWaitMs);
  }

  /** Requests that have arrived and not settled. */
  get open(): number {
    return this.#book.size;
  }

  get wakeAt(): Millis | undefined {
    return this.#wakeAt;
  }

  openTickets(): Ticket[] {
    return [...this.#book.tickets()];
  }

  stats(): SchedulerStats {
    return this.core.stats();
  }

  handle(events: readonly Event[], now: Millis): Effect[] {
    this.#begin(events, now);
    const effects: Effect[] = [];
    this.core.handle(events, now, effects);
    this.trace?.(this.#now, events, effects);
    for (const effect of effects) this.#take(effect);
    this.#admitUpTo(Infinity);
    this.#checkTurn();
    this.#checkMode();
    this.#checkWake();
    this.#checkStats();
    return effects;
  }

  /** Once nothing is left to do: nothing of what has settled may still be known. */
  checkRest(now: Millis): void {
    if (this.open > 0) {
      throw new Broken("nobody waits for ever", "it has not settled at the end", this.openTickets()[0]);
    }
    const effects: Effect[] = [];
    this.core.handle(
      Array.from({ length: this.#lastTicket }, (_, index) => ({ kind: "cancel", ticket: index + 1 })),
      now,
      effects,
    );
    const [effect] = effects;
    if (effect) {
      throw new Broken("nothing is kept of a settled request", `a late cancel gave ${JSON.stringify(effect)}`);
    }
    const { queueDepth, queuedBytes, inFlight, accepted, settled } = this.core.stats();
    if (queueDepth !== 0 || queuedBytes !== 0 || inFlight !== 0 || accepted !== settled) {
      throw new Broken("at rest the counts are zero", JSON.stringify(this.core.stats()));
    }
  }

  #begin(events: readonly Event[], now: Millis): void {
    this.#judge.clear();
    this.#toldWorker.clear();
    this.#freed.length = 0;
    this.#before = this.#now;
    this.#now = Math.max(this.#now, now);
    this.#wasUp = this.#patience.state === "up";
    this.#sawArrivals = false;
    for (const event of events) {
      if (event.kind === "arrive") this.#hearArrival(event.ticket, event.submission);
      else if (event.kind === "wake") this.#wakeAt = undefined;
      else if (event.kind === "worker") {
        this.#patience.told(event.state, this.#now);
        this.#wasUp ||= event.state === "up";
      } else this.#judge.hear(event, this.#now);
    }
  }

  #hearArrival(ticket: Ticket, submission: Submission): void {
    this.#sawArrivals = true;
    this.#lastTicket = Math.max(this.#lastTicket, ticket);
    this.#arriving.push(track(ticket, submission, this.#now));
  }

  /** Arrivals give no effect when they are taken: what comes after them shows that they were. */
  #admitUpTo(ticket: Ticket): void {
    while (this.#arriving.length > 0 && this.#arriving[0]!.ticket <= ticket) this.#admit(this.#arriving.shift()!);
  }

  #admit(request: Tracked): void {
    this.#accepted++;
    this.#book.admit(request);
    this.#patience.wanted(this.#now);
    const { queueCapacity, queueBytes } = this.limits;
    const { fresh, freshBytes, waiting, waitingBytes } = this.#book;
    const [count, bytes] = this.#judge.lostAny ? [fresh, freshBytes] : [waiting, waitingBytes];
    if (count > queueCapacity) {
      throw new Broken("the queue keeps its limits", `it waits as number ${count} of ${queueCapacity}`, request.ticket);
    }
    if (bytes > queueBytes) {
      throw new Broken("the queue keeps its limits", `${bytes} bytes wait of ${queueBytes}`, request.ticket);
    }
  }

  #take(effect: Effect): void {
    switch (effect.kind) {
      case "dispatch":
        return this.#takeDispatch(effect.group);
      case "cancel":
        for (const sequence of effect.sequences) this.#toldWorker.add(sequence);
        return;
      case "delta":
        return this.#takeDelta(effect.delta);
      case "settle":
        return this.#takeSettle(effect.ticket, effect.outcome);
      case "wake_at":
        this.#wakeAt = effect.time;
        if (effect.time !== undefined && effect.time <= this.#now) {
          throw new Broken("the core sleeps until something is due", `at ${this.#now} it asks for ${effect.time}`);
        }
        return;
      case "warn":
        return;
      default:
        effect satisfies never;
    }
  }

  #takeDispatch({ id, members, timeoutMs }: DispatchGroup): void {
    const group: SentGroup = { id, size: members.length, left: members.length };
    this.#book.groups++;
    for (const member of members) this.#checkMember(member, group);
    const up = this.#sawArrivals ? this.#wasUp : this.#patience.state === "up";
    const { maxGroup, maxGroups, maxRunning } = this.law;
    const { groups, running } = this.#book;
    const [first] = members;
    const ticket = first && ticketOf(first.wireId);
    if (!first) throw new Broken("the mode's limits hold", `dispatch ${id} is empty`);
    if (!up) throw new Broken("only a worker that is up is sent to", this.#patience.state, ticket);
    if (members.length > maxGroup || groups > maxGroups || running > maxRunning) {
      const detail = `a group of ${members.length}, ${groups} groups, ${running} running: ${JSON.stringify(this.law)}`;
      throw new Broken("the mode's limits hold", detail, ticket);
    }
    let patience = 0;
    for (const { remainingMs } of members) patience = Math.max(patience, remainingMs ?? Infinity);
    if (timeoutMs !== Math.min(patience, this.limits.workerTimeoutMs)) {
      throw new Broken("a call lasts as long as somebody waits", `${timeoutMs} ms`, ticket);
    }
  }

  #checkMember({ sequence, wireId: id, submission, remainingMs }: DispatchMember, group: SentGroup): void {
    const ticket = ticketOf(id);
    this.#admitUpTo(ticket);
    const request = this.#book.find(ticket);
    if (!request) throw new Broken("nothing is sent that nobody waits for", "it had settled", ticket);
    if (request.sequence > 0) throw new Broken("a request runs once at a time", "it is at the worker", ticket);
    if (request.submission !== submission || id !== wireId(submission.requestId, ticket)) {
      throw new Broken("a request leaves as it came", JSON.stringify(submission), ticket);
    }
    if (sequence <= this.#lastSequence) {
      throw new Broken("sequence numbers are used once", `${sequence} after ${this.#lastSequence}`, ticket);
    }
    this.#lastSequence = sequence;
    if (submission.deadline !== undefined && submission.deadline <= this.#now) {
      throw new Broken("nothing is sent after its deadline", `${this.#now - submission.deadline} ms late`, ticket);
    }
    const left = submission.deadline === undefined ? undefined : submission.deadline - this.#now;
    if (remainingMs !== left) throw new Broken("the deadline goes along", `${remainingMs} for ${left}`, ticket);
    if (request.given > 0) {
      throw new Broken("nothing is sent again after a token", `${request.given} tokens were given`, ticket);
    }
    if (request.attempts >= this.limits.maxAttempts) {
      throw new Broken("a request is sent at most WORKER_TRIES times", `${request.attempts} before`, ticket);
    }
    // In one turn with arrivals, a group may have left before the loss that put older ones back.
    const oldest = this.#book.oldestWaiting()!;
    if (oldest.ticket < ticket && !(this.#sawArrivals && oldest.verdict)) {
      throw new Broken("first in, first out", `request ${oldest.ticket} waits`, ticket);
    }
    this.#book.start(request, sequence, group, this.#now);
  }

  #takeDelta({ ticket, tokenIndex, tokens, text, queueWaitMs }: TokenDelta): void {
    const request = this.#book.find(ticket);
    if (!request?.group) throw new Broken("no token comes outside a request's run", `token ${tokenIndex}`, ticket);
    const { submission, given, dispatchedAt } = request;
    if (tokenIndex !== given) {
      throw new Broken("tokens come once and in order", `${tokenIndex} where ${given} was next`, ticket);
    }
    request.given += tokens;
    if (text !== answerText(submission.prompt, tokenIndex, request.given)) {
      throw new Broken("a caller gets its own text", `token ${tokenIndex} came as ${JSON.stringify(text)}`, ticket);
    }
    if (queueWaitMs !== dispatchedAt - submission.receivedAt) {
      throw new Broken("the queue wait is told", `${queueWaitMs} ms`, ticket);
    }
  }

  #takeSettle(ticket: Ticket, outcome: Outcome): void {
    if (this.#arriving.some((request) => request.ticket === ticket)) {
      this.#admitUpTo(ticket - 1);
      if (outcome.kind === "refused" && outcome.code === "resource_exhausted") {
        return this.#takeTurnedAway(this.#arriving.shift()!, outcome);
      }
      this.#admitUpTo(ticket);
    }
    const request = this.#book.find(ticket);
    if (!request) throw new Broken("a request settles once", JSON.stringify(outcome), ticket);
    if (outcome.kind === "answered") this.#checkAnswer(request, outcome);
    else this.#checkEnded(request, outcome);
    this.#settled++;
    this.#book.settle(request);
  }

  #takeTurnedAway({ ticket, submission }: Tracked, { message, retryAfterMs }: Refused): void {
    this.#refused++;
    const { waiting, waitingBytes } = this.#book;
    const { queueCapacity, queueBytes, refuseLate } = this.limits;
    const full = waiting >= queueCapacity || waitingBytes + submission.promptBytes > queueBytes;
    const late = refuseLate && submission.deadline !== undefined && waiting > 0;
    if (!full && !late) {
      throw new Broken("only a full queue refuses", `${waiting} wait with ${waitingBytes} bytes: ${message}`, ticket);
    }
    if (retryAfterMs === undefined || retryAfterMs < 50 || retryAfterMs > 30_000) {
      throw new Broken("a refusal says when to come back", `${retryAfterMs} ms`, ticket);
    }
  }

  /** The caller left, or its deadline came. */
  #checkEnded({ ticket, submission, sequence }: Tracked, { code, message }: Refused): void {
    const cancelled = code === "cancelled" && this.#judge.cancelled.has(ticket);
    const overdue = code === "deadline_exceeded" && submission.deadline! <= this.#now;
    if (!cancelled && !overdue) throw new Broken("a request ends for a reason", `${code}: ${message}`, ticket);
    if (sequence > 0) this.#freed.push(sequence);
  }

  #checkAnswer(request: Tracked, { reply, dispatch, phases }: Answered): void {
    const { ticket, submission, verdict, sequence } = request;
    const times = [
      submission.receivedAt,
      phases.queuedAt,
      phases.placeAt,
      phases.dispatchedAt,
      phases.firstTokenAt,
      phases.lastTokenAt,
      this.#now,
    ];
    if (times.some((time, index) => index > 0 && !(time >= times[index - 1]!))) {
      throw new Broken("phases never fall", JSON.stringify(times), ticket);
    }
    if (!dispatch) {
      const { state, giveUpAt } = this.#patience;
      const gone = reply.status === "worker_unavailable" && state !== "up" && giveUpAt! <= this.#now;
      if (!gone || sequence > 0) throw new Broken("requests wait for a lost worker", JSON.stringify(reply), ticket);
      return;
    }
    if (dispatch.attempts !== request.attempts || dispatch.size !== request.group?.size) {
      throw new Broken("an answer says how it was sent", JSON.stringify(dispatch), ticket);
    }
    this.#checkLateness(request, dispatch.lateMs);
    if (reply.status === "ok") return this.#checkText(request, reply.responseText, reply.outputTokens);
    if (verdict?.kind === "failed") {
      if (reply.status !== verdict.status) {
        throw new Broken("a failure says what happened", `${reply.status} for ${verdict.status}`, ticket);
      }
      if (verdict.tellWorker) this.#freed.push(sequence);
      return;
    }
    const silent = reply.status === "worker_timeout" && this.#judge.timeoutAt(request) <= this.#now;
    if (!silent) throw new Broken("no request fails without a cause", JSON.stringify(reply), ticket);
    this.#freed.push(sequence);
  }

  #checkText({ ticket, submission, verdict, given }: Tracked, text: string, outputTokens: number): void {
    const { prompt, stream } = submission;
    const tokens = tokensOf(prompt);
    if (verdict?.kind !== "ok") throw new Broken("ok is what the worker said", JSON.stringify(verdict), ticket);
    const own = stream ? given === tokens && text === "" : text === answerText(prompt, 0, tokens);
    if (!own || outputTokens !== tokens) {
      const got = stream ? `${given} of ${tokens} tokens` : JSON.stringify(text);
      throw new Broken("a caller gets its own text", `${got} with ok`, ticket);
    }
  }
}

function ticketOf(wireId: string): Ticket {
  return Number(wireId.slice(wireId.lastIndexOf("#") + 1));
}
