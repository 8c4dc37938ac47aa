import type { Millis, SequenceId, Ticket, WorkerDelta, WorkerFailure, WorkerResult } from "../../types.ts";
import type { CoreLimits, Event } from "../events.ts";
import { wireId } from "../wire_id.ts";
import type { Book, Tracked } from "./tracked.ts";

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

  hear(event: Extract<Event, { kind: "cancel" | "step" | "lost" }>, now: Millis): void {
    switch (event.kind) {
      case "cancel":
        this.cancelled.add(event.ticket);
        return;
      case "step":
        for (const delta of event.step.deltas) this.#hearDelta(delta, now);
        for (const result of event.step.results) this.#hearResult(result, now);
        return;
      case "lost":
        for (const sequence of event.sequences ?? this.book.runningSequences()) {
          this.#lose(sequence, event.status, now);
        }
        return;
      default:
        event satisfies never;
    }
  }

  /** When the worker's time for this one is over. */
  timeoutAt({ progressAt }: Tracked): Millis {
    return progressAt + this.limits.workerTimeoutMs;
  }

  #hearDelta({ sequence, tokenIndex, tokens }: WorkerDelta, now: Millis): void {
    const request = this.#undecided(sequence, now);
    if (!request) return;
    if (!request.submission.stream || tokenIndex !== request.heard) {
      return this.#fail(request, "worker_internal_error", true);
    }
    this.heardFrom.push(request);
    if (!request.begun) request.firstTokenAt = now;
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
    if (reply.status === "worker_unavailable") return this.#lose(sequence, reply.status, now);
    if (reply.status !== "ok") return this.#fail(request, reply.status);
    request.verdict = { kind: "ok" };
    this.judged.push(request);
  }

  #lose(sequence: SequenceId, status: WorkerFailure, now: Millis): void {
    const request = this.#undecided(sequence, now);
    if (!request) return;
    const mayRetry = status === "worker_unavailable" || status === "worker_transport_error";
    if (!mayRetry || request.begun || request.attempts >= this.limits.maxAttempts) {
      return this.#fail(request, status);
    }
    request.verdict = { kind: "requeue" };
    this.judged.push(request);
    this.book.requeue(request);
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
