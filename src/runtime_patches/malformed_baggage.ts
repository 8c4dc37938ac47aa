/**
 * Deno 2.9.3 throws at a `baggage` header with a wrong percent sign: node:http answers 400, and node:http2 ends the
 * process. W3C asks that such a header is passed over.
 * No issue is known; supabase/edge-runtime#711 mended the same in its copy of Deno's telemetry.
 * Delete when the tests of tracing pass without it (tests/tracing_test.ts sends such a header).
 */
import { getLogger } from "@logtape/logtape";
import { propagation, type TextMapPropagator } from "@opentelemetry/api";
import { connect } from "node:http2";
import { Duplex } from "node:stream";

const log = getLogger(["omnispan", "tracing"]);

/** Makes Deno pass over headers of tracing that it can't read. */
export function tolerateMalformedBaggage(): void {
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
 * Finds the list that all servers of this process read. It is in no API. A request of node:http2 iterates over it with
 * the iterator of all arrays, so a request is begun here on a connection that leads nowhere.
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
