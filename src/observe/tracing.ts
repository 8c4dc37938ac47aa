/**
 * Distributed traces through Deno's own OpenTelemetry exporter (`OTEL_DENO=true`). The spans of a request's phases
 * are made when it ends, from the same ledger that its reply carries: the scheduler thread knows nothing of tracing.
 */
import {
  type Context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { Answer, DispatchNotice, Millis } from "../types.ts";
import type { DoorName, Observer, OpenRequest, RequestEnd, RequestTrace } from "./observer.ts";

/** Reads one header (HTTP) or metadata entry (gRPC) of a request; the name is in lower case. */
export type ReadHeader = (name: string) => string | undefined;

/** The tracing of one engine; undefined when the process does not trace, which then costs nothing. */
export function tracingOf(env: Readonly<Record<string, string>>, model: () => string): Tracing | undefined {
  const off = ["false", "0"].includes(env["OTEL_DENO_TRACING"] ?? "");
  const on = ["true", "1"].includes(env["OTEL_DENO"] ?? "") && !off && env["OTEL_SDK_DISABLED"] !== "true";
  return on ? new Tracing(trace.getTracer("omnispan"), model) : undefined;
}

/** Makes one trace of a request: door, queue, batch, dispatch, and the worker's prefill and decode. */
export class Tracing implements Observer {
  constructor(private readonly tracer: Tracer, private readonly model: () => string) {}

  /** Begins a request's span, below the caller's own if its headers tell of one. */
  begin(door: DoorName, receivedAt: Millis, header: ReadHeader): RequestTrace {
    const parent = propagation.extract(ROOT_CONTEXT, header, HEADERS);
    const options = { kind: SpanKind.SERVER, startTime: receivedAt, attributes: { "omnispan.door": door } };
    return new SpanTrace(this.tracer.startSpan("generate", options, parent), parent);
  }

  /** A batch has a trace of its own that links to its members, as they link to it. */
  dispatched(notice: DispatchNotice, members: readonly OpenRequest[]): void {
    const traced = members.filter(({ trace }) => trace instanceof SpanTrace);
    if (traced.length === 0 || (notice.mode !== "micro_batch" && notice.tickets.length < 2)) return;
    const links = traced.map(({ trace }) => linkTo((trace as SpanTrace).span));
    const startTime = Math.min(...members.map(({ submission }) => submission.receivedAt));
    const { id, mode, reason, lateMs, at, tickets } = notice;
    const span = this.tracer.startSpan(
      "batch",
      {
        startTime,
        links,
        root: true,
        attributes: {
          "omnispan.batch.id": id,
          "omnispan.batch.size": tickets.length,
          "omnispan.batch.reason": reason,
          "omnispan.batch.late_ms": lateMs,
          "omnispan.mode": mode,
        },
      },
    );
    span.addEvent("dispatched", {}, at);
    const batch = new BatchSpan(span);
    for (const { trace } of traced) (trace as SpanTrace).joins(batch, at);
  }

  ended(end: RequestEnd): void {
    if (!(end.trace instanceof SpanTrace)) return;
    const { endedAt } = end;
    const { span, parent } = end.trace;
    end.trace.batch?.memberEnded(endedAt);
    span.updateName(`generate ${this.model()}`.trimEnd());
    span.setAttributes(attributesOf(end, this.model()));
    if (end.status !== "ok") span.setStatus({ code: SpanStatusCode.ERROR, message: end.status });
    if (end.answer) this.#phases(end, end.answer, end.trace, trace.setSpan(parent, span));
    span.end(endedAt);
  }

  #phases({ receivedAt, endedAt }: RequestEnd, answer: Answer, { batch }: SpanTrace, inside: Context): void {
    const { phases, dispatch, reply } = answer;
    const { queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt } = phases;
    const span = (name: string, from: Millis, to: Millis, more: { kind?: SpanKind; links?: Link[] } = {}) =>
      this.tracer.startSpan(name, { startTime: from, ...more }, inside).end(to);
    span("accept", receivedAt, queuedAt);
    span("queue", queuedAt, placeAt);
    if (!dispatch) return;
    span("batch", placeAt, dispatchedAt, batch ? { links: [linkTo(batch.span)] } : {});
    // The worker's own clock says how long its prefill took; the way there and back is what is left.
    const prefillAt = Math.max(dispatchedAt, firstTokenAt - (reply.ttftMs || reply.workerLatencyMs));
    span("dispatch", dispatchedAt, prefillAt, { kind: SpanKind.CLIENT });
    span("worker prefill", prefillAt, firstTokenAt);
    span("worker decode", firstTokenAt, lastTokenAt);
    span("reply", Math.min(lastTokenAt, endedAt), endedAt);
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
  /** That it left in last. */
  batch: BatchSpan | undefined;

  constructor(readonly span: Span, readonly parent: Context) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  }

  /** Leaves the batch of an earlier sending, which was lost. */
  joins(batch: BatchSpan, at: Millis): void {
    batch.memberJoined();
    this.batch?.memberEnded(at);
    this.batch = batch;
  }
}

/** Names as in OpenTelemetry's conventions for generative AI, where there is one. */
function attributesOf({ mode, status, request, answer }: RequestEnd, model: string) {
  const { messages, maxTokens, stream, requestId } = request?.submission ?? {};
  return {
    "gen_ai.operation.name": messages ? "chat" : "text_completion",
    "omnispan.mode": mode,
    ...(model && { "gen_ai.request.model": model }),
    ...(requestId !== undefined && { "omnispan.request.id": requestId }),
    ...(maxTokens !== undefined && { "gen_ai.request.max_tokens": maxTokens }),
    ...(stream !== undefined && { "omnispan.stream": stream }),
    ...(status !== "ok" && { "error.type": status }),
    ...(answer && {
      "gen_ai.usage.input_tokens": answer.reply.inputTokens,
      "gen_ai.usage.output_tokens": answer.reply.outputTokens,
      "gen_ai.response.finish_reasons": [answer.reply.finishReason],
    }),
    ...(answer?.dispatch && {
      "omnispan.batch.id": answer.dispatch.id,
      "omnispan.batch.size": answer.dispatch.size,
      "omnispan.batch.reason": answer.dispatch.reason,
      "omnispan.attempts": answer.dispatch.attempts,
    }),
  };
}

function linkTo(span: Span): Link {
  return { context: span.spanContext() };
}

const HEADERS = {
  get: (header: ReadHeader, name: string) => header(name),
  keys: () => ["traceparent", "tracestate", "baggage"],
};
