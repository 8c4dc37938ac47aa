/**
 * Distributed traces through Deno's own OpenTelemetry exporter (`OTEL_DENO=true`). The spans of a request's phases
 * are made when it ends, from the same ledger that its reply carries: the scheduler thread knows nothing of tracing.
 */
import {
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { modeOf } from "../../core/modes/modes.ts";
import type { Answer, Dispatch, Millis, WorkerHello } from "../../core/types.ts";
import type { Observer, OpenRequest, RequestEnd, RequestTrace } from "../observer.ts";
import { tolerateMalformedBaggage } from "../../runtime_patches/malformed_baggage.ts";
import { ServerSpans, traceparentOf } from "../../runtime_patches/server_spans.ts";
import { spanAttributes } from "./span_attributes.ts";

/** Reads one header (HTTP) or metadata entry (gRPC) of a request; the name is in lower case. */
export type ReadHeader = (name: string) => string | undefined;

/** The tracing of one engine; undefined when nothing in this process makes spans, which then costs nothing. */
export function tracingOf(worker: () => WorkerHello | undefined): Tracing | undefined {
  const tracer = trace.getTracer("omnispan");
  // Deno alone knows what its variables come to. A span that is not ended goes nowhere.
  return isSpanContextValid(tracer.startSpan("").spanContext()) ? new Tracing(tracer, worker) : undefined;
}

/** Makes one trace of a request: receipt, queue, batch, dispatch, and the worker's prefill and decode. */
export class Tracing implements Observer, Disposable {
  readonly #serverSpans = new ServerSpans();

  constructor(private readonly tracer: Tracer, private readonly worker: () => WorkerHello | undefined) {
    tolerateMalformedBaggage();
  }

  /** Begins a request's span, below the caller's own if its headers have one. */
  begin(at: Millis, header: ReadHeader): RequestTrace {
    const kind = this.#serverSpans.exist ? SpanKind.INTERNAL : SpanKind.SERVER;
    const name = `generate ${this.worker()?.model ?? ""}`.trimEnd();
    const caller = propagation.extract(ROOT_CONTEXT, header, HEADERS);
    return new SpanTrace(this.tracer.startSpan(name, { kind, startTime: at }, caller), at);
  }

  /** A batch has a trace of its own that links to its members, as they link to it. */
  dispatched(notice: Dispatch, members: readonly OpenRequest[]): void {
    if (!modeOf(notice.mode).isWindowed && notice.tickets.length < 2) return;
    const traced = members.flatMap(({ trace }) => trace instanceof SpanTrace && trace.sampled ? [trace] : []);
    if (traced.length === 0) return;
    const startTime = Math.min(...members.map(({ submission }) => submission.receivedAt));
    const { id, mode, reason, lateMs, at, tickets } = notice;
    const attributes = {
      "omnispan.mode": mode,
      "omnispan.batch.id": id,
      "omnispan.batch.size": tickets.length,
      "omnispan.batch.reason": reason,
      "omnispan.batch.late_ms": lateMs,
    };
    const links = traced.map(({ span }) => linkTo(span));
    const span = this.tracer.startSpan("batch", { startTime, links, root: true, attributes });
    span.addEvent("dispatched", at);
    const batch = new BatchSpan(span);
    for (const trace of traced) trace.joins(batch, at);
  }

  ended(end: RequestEnd): void {
    if (!(end.trace instanceof SpanTrace) || !end.trace.sampled) return;
    const { span, batch } = end.trace;
    const { status, answer, endedAt } = end;
    batch?.memberEnded(endedAt);
    span.setAttributes(spanAttributes(end, this.worker()));
    if (status !== "ok") span.setStatus({ code: SpanStatusCode.ERROR, message: status });
    if (answer) this.#phases(end, answer, end.trace);
    span.end(endedAt);
  }

  [Symbol.dispose](): void {
    this.#serverSpans[Symbol.dispose]();
  }

  #phases(
    { receivedAt, endedAt, dispatch, ledger }: RequestEnd,
    answer: Answer,
    { span: request, begunAt, batch }: SpanTrace,
  ): void {
    const { queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt } = answer.phases;
    const inside = trace.setSpan(ROOT_CONTEXT, request);
    const span = (name: string, from: Millis, to: Millis, more: { kind?: SpanKind; links?: Link[] } = {}) =>
      this.tracer.startSpan(name, { startTime: from, ...more }, inside).end(to);
    if (receivedAt > begunAt) span("receive", begunAt, receivedAt); // the body of an HTTP request
    span("accept", receivedAt, queuedAt);
    span("queue", queuedAt, placeAt);
    if (!dispatch || !ledger) return; // no worker could be reached
    span("batch", placeAt, dispatchedAt, batch && { links: [linkTo(batch.span)] });
    const prefillAt = firstTokenAt - ledger.prefill;
    span("dispatch", dispatchedAt, prefillAt, { kind: SpanKind.CLIENT });
    span("worker prefill", prefillAt, firstTokenAt);
    span("worker decode", firstTokenAt, lastTokenAt);
    span("reply", lastTokenAt, endedAt);
  }
}

/** Lasts from the arrival of its first member to the end of its last. */
class BatchSpan {
  #members = 0;

  constructor(readonly span: Span) {}

  memberJoined(): void {
    this.#members++;
  }

  memberEnded(at: Millis): void {
    if (--this.#members === 0) this.span.end(at);
  }
}

class SpanTrace implements RequestTrace {
  readonly traceparent: string;
  /** One that is not sampled has an id for those behind us, and nothing is recorded of it. */
  readonly sampled: boolean;
  /** That it left in last. */
  batch: BatchSpan | undefined;

  constructor(readonly span: Span, readonly begunAt: Millis) {
    const context = span.spanContext();
    this.traceparent = traceparentOf(context);
    this.sampled = (context.traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  /** Leaves the batch of an earlier sending, which was lost. */
  joins(batch: BatchSpan, at: Millis): void {
    batch.memberJoined();
    this.batch?.memberEnded(at);
    this.batch = batch;
  }
}

function linkTo(span: Span): Link {
  return { context: span.spanContext() };
}

/** Baggage is nothing to us. */
const HEADERS = {
  get: (header: ReadHeader, name: string) => name.startsWith("trace") ? header(name) : undefined,
  keys: () => ["traceparent", "tracestate"],
};
