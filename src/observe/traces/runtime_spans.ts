/**
 * Deno makes a server span of its own for each request to node:http and node:http2, but does not make it the active
 * one: our spans would stand beside it or in another trace. Here the doors get to see it as their caller, in the
 * request's `traceparent`. Its place is no documented one; should a later Deno keep it elsewhere, our spans hang on
 * the caller's as if there were none.
 */
import { getLogger } from "@logtape/logtape";
import {
  propagation,
  type Span,
  type SpanContext,
  SpanStatusCode,
  type TextMapPropagator,
  TraceFlags,
} from "@opentelemetry/api";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { connect } from "node:http2";
import { Duplex } from "node:stream";

const log = getLogger(["omnispan", "tracing"]);

const HTTP_REQUEST = "http.server.request.start";
const HTTP2_STREAM = "http2.server.stream.created";

/** Follows the server spans that Deno makes in this process. */
export class RuntimeSpans implements Disposable {
  #seen = false;
  readonly #ofResponse = new SpanKey();
  readonly #ofStream = new SpanKey();

  constructor() {
    toleratePropagation();
    subscribe(HTTP_REQUEST, this.#onRequest);
    subscribe(HTTP2_STREAM, this.#onStream);
  }

  /** Deno makes server spans: ours need not be that. */
  get seen(): boolean {
    return this.#seen;
  }

  [Symbol.dispose](): void {
    unsubscribe(HTTP_REQUEST, this.#onRequest);
    unsubscribe(HTTP2_STREAM, this.#onStream);
  }

  readonly #onRequest = (message: unknown): void => {
    const { request, response } = message as HttpRequest;
    const span = this.#ofResponse.spanOf(response);
    if (!span) return;
    this.#seen = true;
    request.headers["traceparent"] = traceparentOf(span.spanContext());
    // Deno ends it with the response alone, and never when the caller has left before.
    response.once("close", () => {
      if (response.writableFinished) return;
      span.setStatus({ code: SpanStatusCode.ERROR, message: "the connection was closed" }).end();
    });
  };

  readonly #onStream = (message: unknown): void => {
    const { stream, headers } = message as Http2Stream;
    const span = this.#ofStream.spanOf(stream);
    if (!span) return;
    this.#seen = true;
    headers["traceparent"] = traceparentOf(span.spanContext());
  };
}

/**
 * Makes Deno pass over headers of tracing that it can't read, as W3C asks. Deno 2.9.3 throws at a `baggage` with a
 * wrong percent sign: node:http answers 400, and node:http2 ends the process.
 */
function toleratePropagation(): void {
  if (!propagation.fields().includes("baggage")) return; // OTEL_PROPAGATORS leaves it out
  const propagators = propagatorsOfDeno();
  if (!propagators) {
    log.warn(
      "Deno's readers of traceparent and baggage can't be found: a malformed baggage header may end the engine; " +
        "OTEL_PROPAGATORS=tracecontext leaves baggage out",
    );
    return;
  }
  for (const propagator of propagators) {
    const extract = propagator.extract.bind(propagator);
    propagator.extract = (context, carrier, getter) => {
      try {
        return extract(context, carrier, getter);
      } catch {
        return context;
      }
    };
  }
}

/**
 * The list that all servers of this process read. It is in no API; a request of node:http2 walks through it with the
 * iterator that every array has, so one is begun here, to nowhere.
 */
function propagatorsOfDeno(): readonly TextMapPropagator[] | undefined {
  let found: readonly TextMapPropagator[] | undefined;
  const nowhere = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  const session = connect("http://localhost", { createConnection: () => nowhere });
  session.on("error", () => {});
  const iterator = Array.prototype[Symbol.iterator];
  Array.prototype[Symbol.iterator] = function (this: unknown[]) {
    if (this.length > 0 && this.every(isPropagator)) found = this as TextMapPropagator[];
    return iterator.call(this);
  };
  try {
    session.request().on("error", () => {});
  } finally {
    Array.prototype[Symbol.iterator] = iterator;
    session.destroy();
    nowhere.destroy();
  }
  return found;
}

function isPropagator(value: unknown): value is TextMapPropagator {
  return typeof value === "object" && value !== null && "extract" in value && "inject" in value &&
    "fields" in value;
}

/** As W3C's header has it. */
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
