import type {
  Millis,
  SequenceId,
  Ticket,
  WorkerDelta,
  WorkerFailure,
  WorkerResult,
} from "../../../src/core/types.ts";
import type { CoreLimits, Event } from "../../../src/core/events.ts";
import { wireId } from "../../../src/core/wire_id.ts";
import type { Book, Tracked } from "./tracked.ts";

/** Judges what the worker says: which end, if any, each message must bring to the request it is about. */
export class Judge {
  /** The requests with a verdict since the last `clear`. */
  readonly judged: Tracked[] = [];
  /** Those whose tokens came since then. */
  readonly heardFrom: Tracked[] = [];
  readonly cancelled = new Set<Ticket>();
  #workerIsGone = false;
  /** When the worker last spoke of any row, or of a step of its runtime. */
  #workerProgressAt: Millis = -Infinity;

  constructor(private readonly book: Book, private readonly limits: CoreLimits) {}

  clear(): void {
    for (const request of this.judged) request.verdict = undefined;
    this.judged.length = 0;
    this.heardFrom.length = 0;
    this.cancelled.clear();
  }

  hear(
    event: Extract<Event, { kind: "cancel" | "progress" | "step" | "lost" | "worker" }>,
    now: Millis,
  ): void {
    switch (event.kind) {
      case "cancel":
        this.cancelled.add(event.ticket);
        return;
      case "progress":
        this.#workerProgressAt = now;
        return;
      case "step":
        this.#workerProgressAt = now;
        for (const delta of event.step.deltas) this.#hearDelta(delta, now);
        for (const result of event.step.results) this.#hearResult(result, now);
        return;
      case "lost":
        return this.#loseAll(event, now);
      case "worker":
        this.#workerIsGone = event.state === "down";
        if (!this.#workerIsGone) return;
        for (const request of this.book.lostAlone) this.book.suspect(request);
        this.book.lostAlone.clear();
        return;
      default:
        event satisfies never;
    }
  }

  /** When the worker's time for this one is over: it is with a worker that stands still, or it gets nothing for too long. */
  timeoutAt({ progressAt }: Tracked): Millis {
    const { workerTimeoutMs, rowTimeoutMs } = this.limits;
    const stillSince = Math.max(progressAt, this.#workerProgressAt);
    return Math.min(stillSince + workerTimeoutMs, progressAt + rowTimeoutMs);
  }

  #hearDelta({ sequence, tokenIndex, tokens }: WorkerDelta, now: Millis): void {
    const request = this.#undecided(sequence, now);
    if (!request) return;
    if (!request.submission.stream || tokenIndex !== request.heard) {
      return this.#fail(request, "worker_internal_error", true);
    }
    this.heardFrom.push(request);
    if (!request.begun) {
      request.firstTokenAt = now;
      this.book.acquit(request);
    }
    request.begun = true;
    request.heard += tokens;
    request.progressAt = now;
  }

  #hearResult({ sequence, reply, streamed = reply.outputTokens }: WorkerResult, now: Millis): void {
    const request = this.#undecided(sequence, now);
    if (!request) return;
    const { submission, ticket, heard } = request;
    const own = reply.wireId === wireId(submission.requestId, ticket);
    const whole = !submission.stream || reply.status !== "ok" || streamed === heard;
    if (!own || !whole) return this.#fail(request, "worker_internal_error");
    if (reply.status === "worker_unavailable") {
      this.book.atLoss = Math.max(this.book.atLoss, this.#atWorker(now));
      return this.#lose(request, reply.status, false, true);
    }
    if (reply.status !== "ok") return this.#fail(request, reply.status);
    request.verdict = { kind: "ok" };
    this.judged.push(request);
  }

  #loseAll({ sequences, status }: Extract<Event, { kind: "lost" }>, now: Millis): void {
    const isGone = sequences === undefined || this.#workerIsGone;
    const running = this.book.runningSequences();
    this.book.atLoss = Math.max(this.book.atLoss, this.#atWorker(now));
    for (const sequence of sequences ?? running) {
      const request = this.#undecided(sequence, now);
      if (request) this.#lose(request, status, isGone);
    }
  }

  /** The loss of a worker that was shared with others uses up no try, but where only one is allowed. */
  #lose(request: Tracked, status: WorkerFailure, isGone: boolean, turnedBack = false): void {
    const { maxAttempts } = this.limits;
    const { begun, shared, attempts, tries } = request;
    const mayRetry = status === "worker_unavailable" || status === "worker_transport_error";
    if (!mayRetry || begun) return this.#fail(request, status);
    const used = !isGone ? tries : shared ? 1 : attempts;
    if (used >= maxAttempts) {
      const found = !shared && isGone && attempts > 1;
      return this.#fail(request, found ? "worker_runtime_error" : status);
    }
    request.verdict = { kind: "requeue" };
    this.judged.push(request);
    this.book.requeue(request);
    if (isGone) this.book.suspect(request);
    else if (!turnedBack) this.book.lostAlone.add(request);
  }

  /** Requests that are still at the worker as far as this turn's messages say. */
  #atWorker(now: Millis): number {
    return this.book.runningSequences().filter((sequence) => this.#undecided(sequence, now)).length;
  }

  #fail(request: Tracked, status: WorkerFailure, tellWorker = false): void {
    request.verdict = { kind: "failed", status, tellWorker };
    this.judged.push(request);
  }

  /** The request that runs as this sequence, unless something earlier has ended it. */
  #undecided(sequence: SequenceId, now: Millis): Tracked | undefined {
    const request = this.book.findRunning(sequence);
    if (!request || request.verdict || this.cancelled.has(request.ticket)) return undefined;
    const { deadline } = request.submission;
    return deadline !== undefined && deadline <= now ? undefined : request;
  }
}
