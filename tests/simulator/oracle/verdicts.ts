import type {
  Millis,
  SequenceId,
  Ticket,
  WorkerDelta,
  WorkerFailure,
  WorkerResult,
} from "../../../src/core/types.ts";
import type { CoreLimits, Event, WorkerEvent } from "../../../src/core/events.ts";
import { wireId } from "../../../src/core/run.ts";
import type { Book, Tracked, TrackedWorker } from "./tracked.ts";

/** Judges what the worker says: which end, if any, each message must bring to the request it is about. */
export class Judge {
  /** The requests with a verdict since the last `clear`. */
  readonly judged: Tracked[] = [];
  /** Those whose tokens came since then. */
  readonly heardFrom: Tracked[] = [];
  readonly cancelled = new Set<Ticket>();

  constructor(private readonly book: Book, private readonly limits: CoreLimits) {}

  clear(): void {
    for (const request of this.judged) request.verdict = undefined;
    this.judged.length = 0;
    this.heardFrom.length = 0;
    this.cancelled.clear();
  }

  hear(event: WorkerEvent | Extract<Event, { kind: "cancel" }>, now: Millis): void {
    if (event.kind === "cancel") {
      this.cancelled.add(event.ticket);
      return;
    }
    const worker = this.book.worker(event.worker);
    switch (event.kind) {
      case "progress":
        worker.progressAt = now;
        return;
      case "step":
        worker.progressAt = now;
        for (const delta of event.step.deltas) this.#hearDelta(worker, delta, now);
        for (const result of event.step.results) this.#hearResult(worker, result, now);
        return;
      case "lost":
        return this.#loseAll(worker, event, now);
      case "worker":
        worker.update(event.state, event.maxRows, now);
        if (worker.state !== "down") return;
        for (const request of worker.lostAlone) this.book.suspect(request);
        worker.lostAlone.clear();
        return;
      default:
        event satisfies never;
    }
  }

  /** When the worker's time for this one is over: it is with a worker that stands still, or it gets nothing for too long. */
  timeoutAt({ progressAt, worker }: Tracked): Millis {
    const { workerTimeoutMs, rowTimeoutMs } = this.limits;
    const stillSince = Math.max(progressAt, worker!.progressAt);
    return Math.min(stillSince + workerTimeoutMs, progressAt + rowTimeoutMs);
  }

  #hearDelta(worker: TrackedWorker, { sequence, tokenIndex, tokens }: WorkerDelta, now: Millis): void {
    const request = this.#undecided(worker, sequence, now);
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

  #hearResult(
    worker: TrackedWorker,
    { sequence, reply, streamed = reply.outputTokens }: WorkerResult,
    now: Millis,
  ): void {
    const request = this.#undecided(worker, sequence, now);
    if (!request) return;
    const { submission, ticket, heard } = request;
    const own = reply.wireId === wireId(submission.requestId, ticket);
    const whole = !submission.stream || reply.status !== "ok" || streamed === heard;
    if (!own || !whole) return this.#fail(request, "worker_internal_error");
    if (reply.status === "worker_unavailable") {
      worker.atLoss = Math.max(worker.atLoss, this.#atWorker(worker, now));
      return this.#lose(request, reply.status, false, true);
    }
    if (reply.status !== "ok") return this.#fail(request, reply.status);
    request.verdict = { kind: "ok" };
    this.judged.push(request);
  }

  #loseAll(
    worker: TrackedWorker,
    { sequences, status }: Extract<WorkerEvent, { kind: "lost" }>,
    now: Millis,
  ): void {
    const isGone = sequences === undefined || worker.state === "down";
    worker.atLoss = Math.max(worker.atLoss, this.#atWorker(worker, now));
    for (const sequence of sequences ?? [...worker.rows.keys()]) {
      const request = this.#undecided(worker, sequence, now);
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
    else if (!turnedBack) request.worker!.lostAlone.add(request);
  }

  /** Requests that are still at the worker as far as this turn's messages say. */
  #atWorker(worker: TrackedWorker, now: Millis): number {
    return [...worker.rows.keys()].filter((sequence) => this.#undecided(worker, sequence, now)).length;
  }

  #fail(request: Tracked, status: WorkerFailure, tellWorker = false): void {
    request.verdict = { kind: "failed", status, tellWorker };
    this.judged.push(request);
  }

  /** The request that runs there as this sequence, unless something earlier has ended it. */
  #undecided({ rows }: TrackedWorker, sequence: SequenceId, now: Millis): Tracked | undefined {
    const request = rows.get(sequence);
    if (!request || request.verdict || this.cancelled.has(request.ticket)) return undefined;
    const { deadline } = request.submission;
    return deadline !== undefined && deadline <= now ? undefined : request;
  }
}
