/**
 * The world around the core for examples: a virtual clock that wakes the core exactly when it asked, and a worker
 * that gives tokens and answers, or misbehaves, on command. The core is under watch, so each example also checks
 * every promise that holds always.
 */
import assert from "node:assert/strict";
import { parseSettings } from "../../src/config/parse.ts";
import {
  type AddressedReply,
  type Answer,
  type Dispatch,
  failedReply,
  type Millis,
  type Mode,
  type SchedulerStats,
  type SequenceId,
  type Submission,
  type Ticket,
  type TokenDelta,
  type WorkerFailure,
  type WorkerId,
  type WorkerState,
  type WorkerStep,
} from "../../src/core/types.ts";
import type { CoreLimits, DispatchMember, Effect, Event, Outcome } from "../../src/core/events.ts";
import { answerText, promptOf, tokensOf } from "./oracle/answers.ts";
import { CheckedCore } from "./oracle/checked_core.ts";
import { ticketOf } from "./oracle/dispatch_checks.ts";
import { type CoreSettings, makeCore } from "./production_core.ts";

const LIMITS: CoreLimits = {
  queueCapacity: 8,
  queueBytes: 10_000,
  workerTimeoutMs: 1000,
  rowTimeoutMs: 10_000,
  workerWaitMs: 5000,
  maxAttempts: 3,
  refuseLate: false,
};

export interface Arrival {
  readonly stream?: boolean;
  /** Of the answer. */
  readonly tokens?: number;
  readonly bytes?: number;
  readonly deadlineIn?: Millis;
  /** The mode that it asks for. */
  readonly mode?: Mode;
}

/** A request at the worker. */
interface Row extends DispatchMember {
  readonly ticket: Ticket;
  readonly worker: WorkerId;
  /** Tokens that were sent. */
  sent: number;
}

export class World {
  readonly outcomes = new Map<Ticket, Outcome>();
  readonly warnings: string[] = [];
  /** Members of each group that left. */
  readonly groups: Ticket[][] = [];
  /** What was told of each of them. */
  readonly notices: Dispatch[] = [];
  /** What the last group may take at the worker. */
  groupTimeoutMs: Millis | undefined;
  readonly cancelledRows: Ticket[] = [];
  now: Millis = 1000;
  readonly #core: CheckedCore;
  readonly #rows = new Map<SequenceId, Row>();
  readonly #sent: Row[] = [];
  readonly #deltas: TokenDelta[] = [];
  #lastTicket: Ticket = 0;

  /** All `workers` are up, unless their `state` is given; "unknown": nothing has come from them yet. */
  constructor(
    mode: Partial<CoreSettings>,
    limits: Partial<CoreLimits> = {},
    { state = "up", workers = 1 }: { state?: WorkerState | "unknown"; workers?: number } = {},
  ) {
    const settings = { ...parseSettings([], {}).settings, ...mode };
    const all = { ...LIMITS, ...limits };
    const ids = Array.from({ length: workers }, (_, id) => id);
    this.#core = new CheckedCore(makeCore({ settings, limits: all, workers: ids }), settings, all, ids);
    if (state === "unknown") return;
    for (const id of ids) this.worker(state, undefined, id);
  }

  arrive(arrival: Arrival = {}): Ticket {
    return this.arriveTogether(1, arrival)[0]!;
  }

  /** In one turn. */
  arriveTogether(count: number, arrival: Arrival = {}): Ticket[] {
    const arrivals = Array.from({ length: count }, () => this.arrival(arrival));
    this.#handle(arrivals);
    return arrivals.map(({ ticket }) => ticket);
  }

  cancel(...tickets: Ticket[]): void {
    this.tell(...tickets.map((ticket) => ({ kind: "cancel" as const, ticket })));
  }

  /** Moves the clock, stopping wherever the core asked to be woken. */
  advance(ms: Millis): void {
    const end = this.now + ms;
    for (let at = this.#core.wakeAt; at !== undefined && at <= end; at = this.#core.wakeAt) {
      this.now = at;
      this.tell({ kind: "wake" });
    }
    this.now = end;
  }

  /** `maxRows`: what it runs at once, where it tells. */
  worker(state: WorkerState, maxRows?: number, worker: WorkerId = 0): void {
    this.tell({
      kind: "worker",
      worker,
      state,
      detail: `the worker is ${state}`,
      ...(maxRows && { maxRows }),
    });
  }

  /** The worker dies: what it had is lost. */
  crash(status: WorkerFailure = "worker_unavailable", worker: WorkerId = 0): void {
    const detail = "the worker is gone";
    this.tell(
      { kind: "worker", worker, state: "down", detail },
      { kind: "lost", worker, status, message: detail },
    );
    for (const row of this.#rows.values()) if (row.worker === worker) this.#rows.delete(row.sequence);
  }

  /** Only these rows are lost; the worker stays up. */
  lose(...tickets: Ticket[]): void {
    const sequences = tickets.map((ticket) => this.row(ticket).sequence);
    const { worker } = this.row(tickets[0]!);
    for (const sequence of sequences) this.#rows.delete(sequence);
    this.tell({ kind: "lost", worker, sequences, status: "worker_unavailable", message: "the call broke" });
  }

  /** Sends the next tokens of a streamed row. */
  token(ticket: Ticket, tokens = 1): void {
    const row = this.row(ticket);
    this.tokens(row, row.sent, tokens);
    row.sent += tokens;
  }

  /** Sends any tokens of a row, also the wrong ones. */
  tokens({ sequence, submission, worker }: Row, tokenIndex: number, tokens = 1): void {
    const text = answerText(submission.prompt, tokenIndex, tokenIndex + tokens);
    this.step({ deltas: [{ sequence, tokenIndex, tokens, text }] }, worker);
  }

  /** A row comes to its end: all that is left of its tokens, then the result. */
  answer(ticket: Ticket, reply: Partial<AddressedReply> = {}): void {
    const row = this.row(ticket);
    const left = tokensOf(row.submission.prompt) - row.sent;
    if (row.submission.stream && left > 0) this.token(ticket, left);
    this.end(row, reply);
  }

  /** Sends a row's result. */
  end(row: Row, reply: Partial<AddressedReply> = {}): void {
    this.#rows.delete(row.sequence);
    this.step({ results: [{ sequence: row.sequence, reply: { ...okReply(row), ...reply } }] }, row.worker);
  }

  step({ deltas = [], results = [] }: Partial<WorkerStep>, worker: WorkerId = 0): void {
    this.tell({ kind: "step", worker, step: { deltas, results } });
  }

  /** Gives the core events in one turn and carries out what it wants. */
  tell(...events: Event[]): void {
    this.#handle(events);
  }

  /** Answers all that is out until nothing waits, and checks that nothing is left. */
  finish(): void {
    while (this.#core.open > 0) {
      const [row] = this.#rows.values();
      if (row) this.answer(row.ticket);
      else this.advance(this.#core.wakeAt! - this.now);
    }
    this.#core.checkRest(this.now);
  }

  /** Requests at the workers, oldest first. */
  get running(): Ticket[] {
    return [...this.#rows.values()].map(({ ticket }) => ticket);
  }

  /** Requests at one worker, oldest first. */
  runningAt(worker: WorkerId): Ticket[] {
    return [...this.#rows.values()].filter((row) => row.worker === worker).map(({ ticket }) => ticket);
  }

  get wakeAt(): Millis | undefined {
    return this.#core.wakeAt;
  }

  get stats(): SchedulerStats {
    return this.#core.stats();
  }

  row(ticket: Ticket): Row {
    const row = this.#rows.values().find((row) => row.ticket === ticket);
    assert.ok(row, `request ${ticket} is not at the worker`);
    return row;
  }

  /** The request's newest sending, also when it has ended. */
  lastRow(ticket: Ticket): Row {
    return this.#sent.findLast((row) => row.ticket === ticket)!;
  }

  streamed(ticket: Ticket): string {
    return this.#deltas.filter((delta) => delta.ticket === ticket).map(({ text }) => text).join("");
  }

  /** The answer, the group of the sending that led to it, and how long the request had waited by then. */
  answered(ticket: Ticket): Answer & { dispatch: Dispatch | undefined; queueWaitMs: Millis } {
    const outcome = this.outcomes.get(ticket);
    assert.equal(outcome?.kind, "answered", `request ${ticket} has no answer`);
    const answer = outcome as Answer & { kind: "answered" };
    const dispatch = answer.attempts > 0
      ? this.notices.findLast(({ tickets }) => tickets.includes(ticket))
      : undefined;
    const { receivedAt } = this.lastRow(ticket)?.submission ?? { receivedAt: 0 };
    return { ...answer, dispatch, queueWaitMs: answer.phases.dispatchedAt - receivedAt };
  }

  refused(ticket: Ticket): Extract<Outcome, { kind: "refused" }> {
    const outcome = this.outcomes.get(ticket);
    assert.equal(outcome?.kind, "refused", `request ${ticket} was not refused`);
    return outcome as Extract<Outcome, { kind: "refused" }>;
  }

  /** A request that is received now. */
  arrival(
    { stream = false, tokens = 3, bytes = 10, deadlineIn, mode }: Arrival = {},
  ): Extract<Event, { kind: "arrive" }> {
    const ticket = ++this.#lastTicket;
    const submission: Submission = {
      requestId: "the same id for all",
      tenantId: "",
      prompt: promptOf(`prompt ${ticket}`, tokens),
      promptBytes: bytes,
      maxTokens: tokens,
      stream,
      receivedAt: this.now,
      ...(mode && { mode }),
      ...(deadlineIn !== undefined && { deadline: this.now + deadlineIn }),
    };
    return { kind: "arrive", ticket, submission };
  }

  #handle(events: readonly Event[]): void {
    for (const effect of this.#core.handle(events, this.now)) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "dispatch": {
        const { dispatch, members, timeoutMs } = effect.group;
        const rows = members.map((member) => ({
          ...member,
          worker: dispatch.worker,
          ticket: ticketOf(member.wireId),
          sent: 0,
        }));
        for (const row of rows) this.#rows.set(row.sequence, row);
        for (const row of rows) this.#sent.push(row);
        this.notices.push(dispatch);
        this.groups.push(rows.map(({ ticket }) => ticket));
        this.groupTimeoutMs = timeoutMs;
        return;
      }
      case "cancel":
        for (const sequence of effect.sequences) {
          this.cancelledRows.push(this.#sent.find((row) => row.sequence === sequence)!.ticket);
          this.#rows.delete(sequence);
        }
        return;
      case "delta":
        this.#deltas.push(effect.delta);
        return;
      case "settle":
        this.outcomes.set(effect.ticket, effect.outcome);
        return;
      case "warn":
        this.warnings.push(effect.message);
        return;
      case "wake_at":
        return; // the checked core remembers it
      default:
        effect satisfies never;
    }
  }
}

function okReply({ wireId, submission: { prompt, stream } }: DispatchMember): AddressedReply {
  const tokens = tokensOf(prompt);
  return {
    ...failedReply("worker_internal_error", ""),
    status: "ok",
    wireId,
    finishReason: "length",
    responseText: stream ? "" : answerText(prompt, 0, tokens),
    outputTokens: tokens,
  };
}
