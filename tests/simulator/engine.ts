import { CheckedCore, type Core, type Trace } from "./oracle/checked_core.ts";
import { Broken } from "./oracle/broken.ts";
import { ticketOf } from "./oracle/dispatch_checks.ts";
import type { DispatchGroup, Event, Outcome } from "../../src/core/events.ts";
import type { Millis, Mode, Submission, Ticket, TokenDelta } from "../../src/core/types.ts";
import { type Agenda, Wire } from "./agenda.ts";
import type { Leave } from "./clients.ts";
import { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { Tally } from "./tally.ts";
import { type Clock, Thread } from "./thread.ts";
import type { WorkerModel } from "./worker_model.ts";

interface Pending {
  readonly leave: Leave;
  readonly stream: boolean;
  /** The mode that it asked for. */
  readonly hint: Mode | undefined;
  sent: number;
  tokens: number;
}

/** Makes the core that a run is about. */
export type MakeCore = (scenario: Scenario) => Core;

/** The engine around the core: the main thread with its callers, the scheduler thread, and that thread's end. */
export class Engine {
  readonly clock: Clock = { offsetMs: 0 };
  /** How far the main thread's clock is ahead of the scheduler thread's. */
  skewMs: Millis = 0;
  workers: readonly WorkerModel[] = [];
  turns = 0;
  readonly #pending = new Map<Ticket, Pending>();
  readonly #random: Random;
  #toThread: Wire;
  #outbox: Event[] = [];
  #lastTicket: Ticket = 0;
  #thread: Thread;

  constructor(
    private readonly scenario: Scenario,
    private readonly agenda: Agenda,
    private readonly tally: Tally,
    private readonly makeCore: MakeCore,
    private readonly trace?: Trace,
  ) {
    this.#random = new Random(scenario.seed, "engine");
    this.#toThread = new Wire(agenda);
    this.#thread = this.#startThread();
  }

  get pending(): number {
    return this.#pending.size;
  }

  submit(
    asked: Omit<Submission, "receivedAt" | "deadline">,
    leave: Leave,
    deadlineIn: Millis | undefined,
  ): Ticket {
    const ticket = ++this.#lastTicket;
    const receivedAt = this.#thread.now + this.skewMs;
    const deadline = deadlineIn === undefined ? {} : { deadline: receivedAt + deadlineIn };
    this.#pending.set(ticket, { leave, stream: asked.stream, hint: asked.mode, sent: 0, tokens: 0 });
    this.#post({ kind: "arrive", ticket, submission: { ...asked, receivedAt, ...deadline } });
    return ticket;
  }

  cancel(ticket: Ticket): void {
    if (this.#pending.has(ticket)) this.#post({ kind: "cancel", ticket });
  }

  /** What the worker says to the present thread. */
  hear(events: Event[]): void {
    this.#thread.receive(events);
  }

  stall(ms: Millis): void {
    this.#thread.stall(ms);
  }

  moveClock(ms: Millis): void {
    this.clock.offsetMs += ms;
    this.#thread.clockChanged();
  }

  /** The scheduler thread dies: all that wait are told, and a new one starts. */
  restartThread(): void {
    this.tally.add("rejected by a thread's end", this.#pending.size);
    this.#thread.end();
    this.turns += this.#thread.turns;
    this.#outbox = [];
    this.#toThread = new Wire(this.agenda);
    this.#pending.clear();
    this.#thread = this.#startThread();
    for (const worker of this.workers) worker.newSession();
  }

  /** Nothing is left to happen. */
  checkRest(): void {
    const [ticket] = this.#pending.keys();
    if (ticket !== undefined) throw new Broken("nobody waits for ever", "it has not settled", ticket);
    this.#thread.core.checkRest(this.#thread.now);
    this.turns += this.#thread.turns;
  }

  #startThread(): Thread {
    const { faults, limits, mode, workers } = this.scenario;
    const core = new CheckedCore(
      this.makeCore(this.scenario),
      mode,
      limits,
      workers.keys().toArray(),
      this.trace,
    );
    return new Thread(core, this.agenda, this.clock, {
      lateMs: () =>
        faults.has("late_wake") && this.#random.chance(0.3) ? this.#random.pick([0.5, 3, 200]) : 0,
      together: faults.has("long_turns"),
      listener: {
        dispatch: (group) => this.#dispatched(group),
        cancel: (worker, sequences) => this.workers[worker]!.cancel(sequences),
        delta: (delta) => this.#delta(delta),
        settle: (ticket, outcome) => this.#settled(ticket, outcome),
      },
    });
  }

  /** What is posted within one turn of the main thread arrives as one message. */
  #post(event: Event): void {
    if (this.#outbox.push(event) > 1) return;
    const thread = this.#thread;
    this.agenda.after(0, () => {
      const events = this.#outbox;
      if (events.length === 0 || thread !== this.#thread) return;
      this.#outbox = [];
      this.#toThread.send(this.#random.pick([0, 0, 0.125, 0.5]), () => thread.receive(events));
    });
  }

  #dispatched(group: DispatchGroup): void {
    this.workers[group.dispatch.worker]!.dispatch(group);
    this.tally.add(`sent: ${group.dispatch.reason}`, group.members.length);
    this.tally.add(`sent to worker ${group.dispatch.worker}`, group.members.length);
    for (const { wireId } of group.members) {
      const ticket = ticketOf(wireId);
      const request = this.#pending.get(ticket)!;
      request.sent++;
      if (request.leave === "when_sent") this.cancel(ticket);
    }
  }

  #delta({ ticket, tokens }: TokenDelta): void {
    const request = this.#pending.get(ticket)!;
    const first = request.tokens === 0;
    request.tokens += tokens;
    const leaves = request.leave === "at_first_token"
      ? first
      : request.leave === "at_some_token" && request.tokens > 2;
    if (leaves) this.cancel(ticket);
  }

  #settled(ticket: Ticket, outcome: Outcome): void {
    const request = this.#pending.get(ticket);
    if (!request) throw new Broken("a request settles once", "its caller has gone", ticket);
    this.#pending.delete(ticket);
    this.tally.add(kindOf(request, outcome));
    if (outcome.kind !== "answered" || outcome.attempts === 0) return;
    const { reply, phases } = outcome;
    const { workerTimeoutMs } = this.scenario.limits;
    if (reply.status === "ok" && phases.lastTokenAt - phases.dispatchedAt > workerTimeoutMs) {
      this.tally.add("ok after more than WORKER_RPC_TIMEOUT_MS");
    }
    if (reply.errorMessage.includes("WORKER_ROW_TIMEOUT_MS")) this.tally.add("given up beside others");
    if (request.hint && request.hint !== this.scenario.mode.ENGINE_MODE) {
      this.tally.add(`asked for ${request.hint} in ${this.scenario.mode.ENGINE_MODE}`);
    }
  }
}

function kindOf({ stream, sent, tokens }: Pending, outcome: Outcome): string {
  const phase = sent === 0 ? "while it waits" : tokens > 0 ? "after tokens" : "at the worker";
  if (outcome.kind === "refused") {
    if (outcome.code !== "resource_exhausted") return `${outcome.code} ${phase}`;
    return outcome.message.includes("REFUSE_LATE") ? "refused: late" : "refused: full";
  }
  const { reply, attempts } = outcome;
  if (attempts === 0) return sent > 0 ? "no worker came back for it" : "no worker came";
  const again = attempts > 1 ? ", sent again" : "";
  return `${reply.status} ${stream ? "stream" : "unary"}${reply.status === "ok" ? "" : ` ${phase}`}${again}`;
}
