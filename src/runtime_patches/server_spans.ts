/**
 * Deno 2.9.3 makes a server span for each request to node:http and node:http2, but does not make it the active one:
 * the spans of the engine would stand beside it or in another trace. Here both servers see it as their caller, in the
 * request's `traceparent`. Where Deno keeps the span is not documented; should a later Deno keep it elsewhere, the
 * spans of the engine hang on the caller's as if there were none.
 * No issue is known.
 * Delete when trace.getActiveSpan() gives that span inside a listener of node:http and of node:http2.
 */
import { type Span, type SpanContext, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { subscribe, unsubscribe } from "node:diagnostics_channel";

const HTTP_REQUEST = "http.server.request.start";
const HTTP2_STREAM = "http2.server.stream.created";

/** Follows the server spans that Deno makes in this process. */
export class ServerSpans implements Disposable {
  #exist = false;
  readonly #ofResponse = new SpanKey();
  readonly #ofStream = new SpanKey();

  constructor() {
    subscribe(HTTP_REQUEST, this.#onRequest);
    subscribe(HTTP2_STREAM, this.#onStream);
  }

  /** Deno has made at least one server span, so that the engine's own need not be one. */
  get exist(): boolean {
    return this.#exist;
  }

  [Symbol.dispose](): void {
    unsubscribe(HTTP_REQUEST, this.#onRequest);
    unsubscribe(HTTP2_STREAM, this.#onStream);
  }

  readonly #onRequest = (message: unknown): void => {
    const { request, response } = message as HttpRequest;
    const span = this.#ofResponse.spanOf(response);
    if (!span) return;
    this.#exist = true;
    request.headers["traceparent"] = traceparentOf(span.spanContext());
    // Deno ends the span only with the response, and never when the caller has left before.
    response.once("close", () => {
      if (response.writableFinished) return;
      span.setStatus({ code: SpanStatusCode.ERROR, message: "the connection was closed" }).end();
    });
  };

  readonly #onStream = (message: unknown): void => {
    const { stream, headers } = message as Http2Stream;
    const span = this.#ofStream.spanOf(stream);
    if (!span) return;
    this.#exist = true;
    headers["traceparent"] = traceparentOf(span.spanContext());
  };
}

/** A span's context in the form of W3C's header. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags & TraceFlags.SAMPLED ? "01" : "00"}`;
}

interface HttpRequest {
  readonly request: { readonly headers: Record<string, string> };
  readonly response: {
    readonly writableFinished: boolean;
    once(event: "close", listener: () => void): unknown;
  };
}

interface Http2Stream {
  readonly stream: object;
  readonly headers: Record<string, string>;
}

/** Deno keeps a span under a symbol that each of its modules makes for itself. */
class SpanKey {
  #symbol: symbol | undefined;

  spanOf(holder: object): Span | undefined {
    this.#symbol ??= Object.getOwnPropertySymbols(holder).find(({ description }) =>
      description === "kOtelSpan"
    );
    return this.#symbol && (holder as Readonly<Record<symbol, Span | undefined>>)[this.#symbol];
  }
}
