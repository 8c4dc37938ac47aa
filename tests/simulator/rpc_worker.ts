import { correlate } from "../../src/workers/correlate.ts";
import type { DispatchGroup, DispatchMember } from "../../src/core/events.ts";
import { answerText } from "./oracle/answers.ts";
import type { AddressedReply, SequenceId, WorkerFailure } from "../../src/core/types.ts";
import { replyTo, type Row, WorkerModel } from "./worker_model.ts";

interface Call {
  readonly rows: readonly Row[];
  /** Sequences that somebody waits for. */
  readonly wanted: Set<SequenceId>;
}

/**
 * A worker without sessions: what is answered in one piece of a group goes as one call and is told apart by the
 * production `correlate`, each stream goes as a call of its own.
 */
export class RpcWorker extends WorkerModel {
  readonly #calls = new Map<SequenceId, Call>();

  override dispatch({ members, timeoutMs }: DispatchGroup): void {
    const whole = members.filter(({ submission }) => !submission.stream);
    if (whole.length > 0) this.#answer(whole, timeoutMs);
    for (const member of members) if (member.submission.stream) this.#stream(member);
  }

  override cancel(sequences: readonly SequenceId[]): void {
    for (const sequence of sequences) {
      this.#calls.get(sequence)?.wanted.delete(sequence);
      this.#calls.delete(sequence);
    }
  }

  protected override get busy(): boolean {
    return this.#calls.size > 0;
  }

  /** Some calls may break one by one before the whole connection is known to be lost. */
  protected override drop(): void {
    const calls = new Set(this.#calls.values());
    this.#calls.clear();
    for (const { wanted } of calls) {
      if (wanted.size > 0 && this.random.chance(0.2)) this.#lose([...wanted]);
      wanted.clear();
    }
  }

  #answer(members: readonly DispatchMember[], timeoutMs: number): void {
    const call = this.#begin(members);
    if (!call) return;
    const steps = Math.max(...call.rows.map(({ tokens }) => tokens));
    this.agenda.after(this.stepsMs(steps), () => {
      if (call.wanted.size === 0) return;
      for (const row of call.rows) row.done = row.tokens;
      if (this.killedBy(call.rows) || this.#finish(call).length === 0) return;
      const received = this.#hurt(call.rows.map(replyTo));
      const { results } = correlate(members, received);
      this.say([{ kind: "step", worker: this.id, step: { deltas: [], results } }]);
    });
    this.agenda.after(timeoutMs, () => {
      const waiting = this.#finish(call);
      if (waiting.length > 0) this.#lose(waiting, "worker_timeout");
    });
  }

  #stream(member: DispatchMember): void {
    const call = this.#begin([member]);
    if (!call) return;
    const [row] = call.rows as [Row];
    const { sequence } = row;
    const last = row.failure ? row.failure.after : row.tokens;
    const advance = () => {
      if (!call.wanted.has(sequence) || this.killedBy([row])) return;
      const tokens = Math.min(this.traits.tokensPerStep, last - row.done);
      const text = answerText(row.prompt, row.done, row.done + tokens);
      const delta = { sequence, tokenIndex: row.done, tokens, text };
      row.done += tokens;
      const ended = row.done === last;
      if (tokens > 0 && !this.suffers("lost_delta")) {
        this.say([{ kind: "step", worker: this.id, step: { deltas: [delta], results: [] } }]);
      }
      if (!ended) return this.agenda.after(this.stepsMs(1), advance);
      this.#finish(call);
      const results = [{ sequence, reply: replyTo(row) }];
      if (this.suffers("lost_result")) this.#lose([sequence], "worker_transport_error");
      else this.say([{ kind: "step", worker: this.id, step: { deltas: [], results } }]);
    };
    this.agenda.after(this.stepsMs(1 + row.prefill), advance);
  }

  /** Undefined when there is nobody to call. */
  #begin(members: readonly DispatchMember[]): Call | undefined {
    const sequences = members.map(({ sequence }) => sequence);
    if (!this.connected || this.draining) {
      this.#lose(sequences);
      return undefined;
    }
    const call: Call = { rows: members.map((member) => this.row(member)), wanted: new Set(sequences) };
    for (const sequence of sequences) this.#calls.set(sequence, call);
    return call;
  }

  /** The call is over; those that still waited for it. */
  #finish({ wanted }: Call): SequenceId[] {
    const waiting = [...wanted];
    for (const sequence of waiting) this.#calls.delete(sequence);
    wanted.clear();
    return waiting;
  }

  #lose(sequences: SequenceId[], status: WorkerFailure = this.#unreachable()): void {
    this.say([{ kind: "lost", worker: this.id, sequences, status, message: "the call broke" }]);
  }

  #unreachable(): WorkerFailure {
    return this.random.pick(["worker_unavailable", "worker_transport_error"]);
  }

  #hurt(replies: AddressedReply[]): AddressedReply[] {
    if (!this.messagesSuffer) return replies;
    const { random } = this;
    const at = random.int(0, replies.length - 1);
    const reply = replies[at]!;
    if (this.suffers("lost_result")) replies.splice(at, 1);
    if (this.suffers("doubled_result")) replies.push(reply);
    if (this.suffers("misaddressed_result")) replies.reverse();
    if (this.suffers("stray")) replies.unshift({ ...reply, wireId: "nobody's#1" });
    return replies;
  }
}
