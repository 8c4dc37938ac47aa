import type { DispatchGroup, DispatchMember, Event } from "../../src/core/events.ts";
import { answerText, tokensOf } from "./oracle/answers.ts";
import {
  type AddressedReply,
  failedReply,
  type Millis,
  type SequenceId,
  WORKER_FAILURES,
  type WorkerFailure,
  type WorkerId,
} from "../../src/core/types.ts";
import { type Agenda, Wire } from "./agenda.ts";
import { Random } from "./random.ts";
import type { Fault, Scenario, WorkerTraits } from "./scenario.ts";
import type { Tally } from "./tally.ts";

/** A request at the worker. */
export interface Row {
  readonly sequence: SequenceId;
  readonly wireId: string;
  readonly prompt: string;
  readonly stream: boolean;
  readonly tokens: number;
  /** The row ends with this instead of an answer, once it has made so many tokens. */
  readonly failure: { readonly status: WorkerFailure; readonly after: number } | undefined;
  /** The worker ends, whatever else it does, once this row has made so many tokens. */
  readonly killsAfter: number;
  /** Steps until its first token. */
  prefill: number;
  done: number;
  gone: boolean;
}

/** The longest prefill in steps. */
const PREFILL_MOST = 400;

/**
 * A worker process and the engine's connection to it: it starts, works, hangs, drains, dies and comes back. How
 * requests and answers travel is its kinds' matter.
 */
export abstract class WorkerModel {
  protected readonly random: Random;
  protected readonly traits: WorkerTraits;
  /** Of what the engine says. */
  protected readonly commands: Wire;
  protected connected = false;
  /** Connections so far. */
  protected connection = 0;
  /** Of what the worker says. */
  #wire: Wire;
  /** What the engine has closed on its side; nothing of it arrives any more. */
  #closed = 0;
  protected alive = true;
  protected draining = false;
  protected hangsUntil: Millis = 0;
  protected slowUntil: Millis = 0;
  /** Once the faults are over the worker is well, or has left for good. */
  #calm = false;

  constructor(
    readonly id: WorkerId,
    protected readonly scenario: Scenario,
    protected readonly agenda: Agenda,
    private readonly tally: Tally,
    private readonly tell: (events: Event[]) => void,
  ) {
    this.random = new Random(scenario.seed, `worker ${id}`);
    this.traits = scenario.workers[id]!;
    this.#wire = new Wire(agenda);
    this.commands = new Wire(agenda);
    this.#begin();
  }

  abstract dispatch(group: DispatchGroup): void;
  abstract cancel(sequences: readonly SequenceId[]): void;
  /** Forgets all it was asked. */
  protected abstract drop(): void;
  /** Has the process anything to do? */
  protected abstract readonly busy: boolean;

  /** The engine's side was closed and opens anew. */
  newSession(): void {
    this.connected = false;
    this.drop();
    this.#closeEngineSide();
    if (this.alive) this.#connect();
  }

  crash(
    status: WorkerFailure = this.random.pick([
      "worker_unavailable",
      "worker_unavailable",
      "worker_internal_error",
    ]),
  ): void {
    if (!this.alive) return;
    this.alive = false;
    this.draining = false;
    this.#loseConnection(status);
    this.agenda.after(this.#absenceMs(), () => this.#comeBack());
  }

  hang(): void {
    if (!this.alive) return;
    const ms = this.random.pick([50, 500, 4000, 10 * this.scenario.faultGapMs]);
    this.hangsUntil = Math.max(this.hangsUntil, this.agenda.now + ms);
    const { kind, silenceMs } = this.traits;
    if (kind !== "session" || ms < silenceMs) return;
    const connection = this.connection;
    this.agenda.after(silenceMs, () => {
      if (connection !== this.connection || !this.connected) return;
      this.#closeEngineSide();
      this.#loseConnection("worker_unavailable");
      this.agenda.after(this.hangsUntil - this.agenda.now, () => this.alive && this.#connect());
    });
  }

  slow(): void {
    this.slowUntil = this.agenda.now + this.random.pick([100, 2000]);
  }

  /** It goes on with what it has, takes no more, and ends. */
  drain(): void {
    if (!this.alive || this.draining) return;
    this.draining = true;
    const state = { kind: "worker", worker: this.id, state: "draining", detail: "it stops" } as const;
    if (this.connected) this.say([state]);
    const dueAt = this.agenda.now + this.random.pick([20, 3000]);
    const look = () => {
      if (!this.draining) return;
      if (this.busy && this.agenda.now < dueAt) return this.agenda.after(10, look);
      this.crash();
    };
    this.agenda.after(5, look);
  }

  /** Nothing more goes wrong. */
  calm(): void {
    this.#calm = true;
  }

  /** Sends events to the engine, after all that was sent before. */
  protected say(events: Event[], delayMs = this.traits.hopMs): void {
    const closed = this.#closed;
    this.#wire.send(delayMs, () => {
      if (closed === this.#closed) this.tell(events);
    });
  }

  /** Can anything happen to what the worker says? */
  protected get messagesSuffer(): boolean {
    return !this.#calm;
  }

  /** Does this message suffer it? */
  protected suffers(fault: Fault): boolean {
    return !this.#calm && this.scenario.faults.has(fault) &&
      this.random.chance(this.scenario.messageFaultRate);
  }

  protected row({ sequence, wireId, submission: { prompt, stream } }: DispatchMember): Row {
    const tokens = tokensOf(prompt);
    const failure = this.suffers("failures")
      ? { status: this.random.pick(WORKER_FAILURES), after: this.random.int(0, tokens) }
      : undefined;
    const killsAfter = this.#isPoison(prompt) ? hash(prompt) % tokens : Infinity;
    const prefill = this.suffers("long_prefill") ? this.#prefillSteps() : 0;
    return { sequence, wireId, prompt, stream, tokens, failure, killsAfter, prefill, done: 0, gone: false };
  }

  /** Ends the worker if one of these rows does; true when it has. */
  protected killedBy(rows: Iterable<Row>): boolean {
    for (const { done, killsAfter, failure } of rows) {
      if (done < killsAfter || failure) continue;
      this.tally.add("a request ended the worker");
      this.crash("worker_unavailable");
      return true;
    }
    return false;
  }

  #isPoison(prompt: string): boolean {
    const { faults, poisonEvery } = this.scenario;
    return faults.has("poison") && hash(prompt) % poisonEvery === 0;
  }

  /** What the process takes for so many steps. */
  protected stepsMs(steps: number): Millis {
    const { stepMs } = this.traits;
    const pace = this.agenda.now < this.slowUntil ? 20 : 1;
    return Math.max(0, this.hangsUntil - this.agenda.now) + this.random.ms(0.5, 1.5) * stepMs * pace * steps;
  }

  /** Up to more than the worker's time-out. */
  #prefillSteps(): number {
    const { scenario: { limits }, traits } = this;
    const most = Math.min(PREFILL_MOST, Math.ceil(3 * limits.workerTimeoutMs / traits.stepMs));
    return this.random.int(1, most);
  }

  #begin(): void {
    const { faults } = this.scenario;
    if (!faults.has("slow_start")) return this.#connect();
    if (this.random.chance(0.5)) {
      this.say([{ kind: "worker", worker: this.id, state: "down", detail: "nothing answers" }]);
    }
    this.agenda.after(this.scenario.faultGapMs * this.random.pick([0.1, 0.5, 3]), () => this.#connect());
  }

  #comeBack(): void {
    this.alive = true;
    this.hangsUntil = this.slowUntil = 0;
    this.#connect();
  }

  #connect(): void {
    if (this.connected) return;
    this.connected = true;
    this.connection++;
    const { kind, maxRows } = this.traits;
    const tells = kind === "session" && { maxRows }; // the fixed RPCs have no hello
    this.say([{
      kind: "worker",
      worker: this.id,
      state: this.draining ? "draining" : "up",
      detail: "",
      ...tells,
    }]);
  }

  /** What is on its way still arrives, then the news of the loss. */
  #loseConnection(status: WorkerFailure): void {
    if (!this.connected) return;
    this.connected = false;
    this.drop();
    const message = "the connection broke";
    const down: Event = { kind: "worker", worker: this.id, state: "down", detail: message };
    const lost: Event = { kind: "lost", worker: this.id, status, message };
    this.say(this.random.chance(0.8) ? [down, lost] : [lost, down]);
  }

  #closeEngineSide(): void {
    this.#closed++;
    this.#wire = new Wire(this.agenda);
  }

  #absenceMs(): Millis {
    const { faults, faultGapMs } = this.scenario;
    return faultGapMs * this.random.pick(faults.has("long_absence") ? [0.1, 3, 50] : [0.01, 0.1, 1]);
  }
}

/** The same for the same prompt, of which no two requests have one. */
function hash(prompt: string): number {
  return new Random(0, prompt).int(0, 1_000_000);
}

/** The end of a row as the worker sees it. */
export function replyTo({ wireId, prompt, stream, tokens, done, failure }: Row): AddressedReply {
  if (failure) return { ...failedReply(failure.status, "it failed"), wireId, outputTokens: done };
  return {
    status: "ok",
    errorMessage: "",
    wireId,
    finishReason: "length",
    responseText: stream ? "" : answerText(prompt, 0, tokens),
    inputTokens: 1,
    outputTokens: tokens,
    workerLatencyMs: tokens,
    ttftMs: 1,
    tpotMs: 1,
  };
}
