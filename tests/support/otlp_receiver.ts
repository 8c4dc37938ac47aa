/** What OpenTelemetry's exporters send to, as JSON over HTTP; keeps all of it. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  /** Each body as it came, of any signal. */
  readonly bodies: string[] = [];
  readonly logs: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const body = await request.text();
      this.bodies.push(body);
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/traces") this.spans.push(...spansOf(JSON.parse(body)));
      if (pathname === "/v1/logs") this.logs.push(body);
      return Response.json({});
    });
  }

  /** Makes a Deno process send all it has, a tenth of a second after it has it. */
  get env(): Readonly<Record<string, string>> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_BLRP_SCHEDULE_DELAY: "100",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
    };
  }

  /** Of ours: what Deno makes for itself is left out. */
  own(name: RegExp, traceId?: string): ReceivedSpan[] {
    return this.spans.filter((span) =>
      span.scope === "omnispan" && name.test(span.name) && (!traceId || span.traceId === traceId)
    );
  }

  /** The span of the request with this id, once it is there with the one above it. */
  request(id: string): ReceivedSpan | undefined {
    const span = this.own(/^generate/).find(({ attributes }) => attributes["omnispan.request.id"] === id);
    return span && this.spans.some(({ spanId }) => spanId === span.parentSpanId) ? span : undefined;
  }

  children(of: ReceivedSpan): ReceivedSpan[] {
    return this.spans.filter(({ parentSpanId }) => parentSpanId === of.spanId)
      .toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

export const SERVER_SPAN = 2;
export const INTERNAL_SPAN = 1;
export const ERROR_STATUS = 2;

export interface ReceivedSpan {
  /** "deno" for what the runtime makes by itself. */
  readonly scope: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty at the root of a trace. */
  readonly parentSpanId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code: number; readonly message: string };
}

interface TracesBody {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly Span[];
    }[];
  }[];
}

interface Span extends Omit<ReceivedSpan, "scope" | "startMs" | "endMs" | "attributes"> {
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

function spansOf({ resourceSpans }: TracesBody): ReceivedSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => received(scope.name, span)))
  );
}

function received(scope: string, span: Span): ReceivedSpan {
  const { name, kind, traceId, spanId, parentSpanId = "", links, status } = span;
  return {
    ...{ scope, name, kind, traceId, spanId, parentSpanId, links, status },
    startMs: milliseconds(span.startTimeUnixNano),
    endMs: milliseconds(span.endTimeUnixNano),
    attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
  };
}

/** Since the start of the hour: as a number of nanoseconds since 1970 a span's ends would be rounded. */
function milliseconds(unixNano: string): number {
  return Number(BigInt(unixNano) % 3_600_000_000_000n) / 1e6;
}
