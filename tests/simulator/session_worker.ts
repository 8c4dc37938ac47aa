import type { DispatchGroup } from "../../src/core/events.ts";
import { answerText } from "./oracle/answers.ts";
import type { Millis, SequenceId, WorkerDelta, WorkerResult } from "../../src/core/types.ts";
import { replyTo, type Row, WorkerModel } from "./worker_model.ts";

/** Least time between two reports that the runtime works. */
const REPORT_MS = 100;

/** No row comes so far: a token that could be taken for the next one of a row would deceive anybody. */
const NO_INDEX = 100_000;

/** A worker with a session: a running batch of rows, one message a decode step, cancels by sequence. */
export class SessionWorker extends WorkerModel {
  readonly #rows = new Map<SequenceId, Row>();
  /** Of those, the ones that have no place in the batch yet. */
  #waiting: Row[] = [];
  #batch: Row[] = [];
  #stepping = false;
  #reportedAt: Millis = 0;
  /** Some that have ended, for what comes late. */
  readonly #ended: Row[] = [];
  /** Deltas that a fault holds back until the next step. */
  #held: WorkerDelta[] = [];

  override dispatch({ members }: DispatchGroup): void {
    const rows = members.map((member) => this.row(member));
    this.#send(() => {
      if (this.draining) return this.#turnBack(rows);
      for (const row of rows) this.#rows.set(row.sequence, row);
      this.#waiting.push(...rows);
      this.#startStepping();
    });
  }

  override cancel(sequences: readonly SequenceId[]): void {
    this.#send(() => {
      for (const sequence of sequences) {
        const row = this.#rows.get(sequence);
        if (row) this.#end(row);
      }
    });
  }

  override newSession(): void {
    this.#ended.length = 0; // a new thread counts its sequences from 1 again
    super.newSession();
  }

  protected override get busy(): boolean {
    return this.#rows.size > 0;
  }

  protected override drop(): void {
    for (const row of this.#rows.values()) row.gone = true;
    this.#rows.clear();
    this.#waiting = [];
    this.#batch = [];
    this.#held = [];
  }

  /** A command on its way; lost when the connection breaks meanwhile. */
  #send(arrive: () => void): void {
    if (!this.connected) return;
    const { connection } = this;
    this.commands.send(this.traits.hopMs, () => {
      if (connection === this.connection && this.connected) arrive();
    });
  }

  #turnBack(rows: readonly Row[]): void {
    const failure = { status: "worker_unavailable", after: 0 } as const;
    const results = rows.map((row) => ({ sequence: row.sequence, reply: replyTo({ ...row, failure }) }));
    this.say([{ kind: "step", worker: this.id, step: { deltas: [], results } }]);
  }

  #startStepping(): void {
    if (this.#stepping) return;
    this.#stepping = true;
    this.agenda.after(this.stepsMs(1), () => this.#step());
  }

  #step(): void {
    this.#stepping = false;
    if (this.agenda.now < this.hangsUntil) return this.#startStepping();
    this.#fillBatch();
    if (this.#batch.length === 0 || this.killedBy(this.#batch)) return;
    const deltas: WorkerDelta[] = [];
    const results: WorkerResult[] = [];
    for (const row of this.#batch) this.#advance(row, deltas, results);
    if (this.#held.length > 0) deltas.push(...this.#held.splice(0));
    this.#hurt(deltas, results);
    if (deltas.length + results.length > 0) {
      this.say([{ kind: "step", worker: this.id, step: { deltas, results } }]);
    }
    this.#report();
    if (this.#rows.size > 0) this.#startStepping();
  }

  #report(): void {
    if (this.agenda.now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = this.agenda.now;
    this.say([{ kind: "progress", worker: this.id }]);
  }

  #fillBatch(): void {
    this.#batch = this.#batch.filter(({ gone }) => !gone);
    this.#waiting = this.#waiting.filter(({ gone }) => !gone);
    const free = this.traits.maxRows - this.#batch.length;
    if (free > 0) this.#batch.push(...this.#waiting.splice(0, free));
  }

  #advance(row: Row, deltas: WorkerDelta[], results: WorkerResult[]): void {
    if (row.prefill > 0) {
      row.prefill--;
      return;
    }
    const last = row.failure ? row.failure.after : row.tokens;
    const tokens = Math.min(this.traits.tokensPerStep, last - row.done);
    if (tokens > 0 && row.stream) {
      const text = answerText(row.prompt, row.done, row.done + tokens);
      deltas.push({ sequence: row.sequence, tokenIndex: row.done, tokens, text });
    }
    row.done += tokens;
    if (row.done < last) return;
    results.push({ sequence: row.sequence, reply: replyTo(row) });
    this.#end(row);
  }

  #end(row: Row): void {
    row.gone = true;
    this.#rows.delete(row.sequence);
    if (this.#ended.push(row) > 20) this.#ended.shift();
  }

  /** What goes wrong with what the worker says. None of it may be such that nobody could tell. */
  #hurt(deltas: WorkerDelta[], results: WorkerResult[]): void {
    if (!this.messagesSuffer) return;
    if (deltas.length > 0) this.#hurtDeltas(deltas);
    if (results.length > 0) this.#hurtResults(results);
    if (this.suffers("stray")) this.#stray(deltas, results);
  }

  #hurtDeltas(deltas: WorkerDelta[]): void {
    const { random } = this;
    const at = random.int(0, deltas.length - 1);
    const delta = deltas[at]!;
    if (this.suffers("lost_delta")) deltas.splice(at, 1);
    else if (this.suffers("doubled_delta")) deltas.push(delta);
    else if (this.suffers("late_delta")) this.#held.push(...deltas.splice(at, 1));
    else if (this.suffers("misaddressed_delta")) {
      const other = random.pick(this.#batch);
      // A token that the other row may expect would deceive anybody; it never expects one beyond those it has made.
      if (delta.tokenIndex > other.done) deltas[at] = { ...delta, sequence: other.sequence };
    }
  }

  #hurtResults(results: WorkerResult[]): void {
    const { random } = this;
    const at = random.int(0, results.length - 1);
    const result = results[at]!;
    if (this.suffers("lost_result")) results.splice(at, 1);
    else if (this.suffers("doubled_result")) results.push(result);
    else if (this.suffers("misaddressed_result")) {
      const other = results.find(({ sequence }) => sequence !== result.sequence);
      if (other) {
        results[at] = { ...result, reply: other.reply };
        results[results.indexOf(other)] = { ...other, reply: result.reply };
      } else results[at] = { ...result, reply: { ...result.reply, wireId: "nobody's#1" } };
    }
  }

  /** Something about a row that has ended, or that never was. */
  #stray(deltas: WorkerDelta[], results: WorkerResult[]): void {
    const old = this.#ended.length > 0 ? this.random.pick(this.#ended) : undefined;
    const near = (old?.sequence ?? 1) + this.random.int(1, 5); // most likely it runs at another worker
    const sequence = old && this.random.chance(0.8) ? old.sequence : this.random.pick([0, near, 1e9]);
    deltas.push({ sequence, tokenIndex: NO_INDEX, tokens: 1, text: "whose is this?" });
    if (old) results.push({ sequence, reply: replyTo(old) });
  }
}
