import { messageOf } from "../core/errors.ts";
import { ClientError } from "./client_error.ts";
import type { Target } from "./target.ts";
import { oneLine } from "./words.ts";

export interface EngineRequest {
  /** Without one it is a GET. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** HTTP to one engine, with the caller's key and certificates. One on this machine is asked without a proxy. */
export class EngineHttp implements Disposable {
  readonly #client: Deno.HttpClient;

  constructor(readonly target: Target) {
    const { certificates, url } = target;
    leaveProxiesOut(new URL(url).hostname);
    this.#client = Deno.createHttpClient(certificates === undefined ? {} : { caCerts: [certificates] });
  }

  /**
   * A response that is well.
   * @throws {ClientError} when there is none, or the engine refused; what the signal was aborted with
   */
  async send(path: string, { body, headers, signal }: EngineRequest): Promise<Response> {
    const { url, apiKey } = this.target;
    const response = await fetch(url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...headers,
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      client: this.#client,
      redirect: "manual", // a key is not carried elsewhere
      signal,
    }).catch((thrown) => {
      if (signal.aborted) throw thrown;
      throw this.#unreachable(thrown);
    });
    if (response.ok) return response;
    throw await refusal(response, path, signal);
  }

  #unreachable(thrown: unknown): ClientError {
    const reason = reasonOf(thrown);
    const hint = /certificate/i.test(reason)
      ? "--ca FILE names the certificate to believe"
      : "start one with: deno task serve\n(another engine: --url or OMNISPAN_URL)";
    const message = `no engine could be reached at ${this.target.url} (${reason}); ${hint}`;
    return new ClientError("unreachable", message, { reason, cause: thrown });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Hosts that never lead beyond this machine, as URL writes them. */
const THIS_MACHINE =
  /^((.+\.)?localhost\.?|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;

/**
 * Leaves proxies out for an engine on this machine: Deno would send its requests to HTTP_PROXY, which can't reach it from
 * elsewhere, and would get key and prompt. Clients that are made after this call keep to it.
 */
function leaveProxiesOut(hostname: string): void {
  if (!THIS_MACHINE.test(hostname)) return;
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  for (const name of ["NO_PROXY", "no_proxy"]) {
    const others = Deno.env.get(name);
    Deno.env.set(name, others ? `${others},${host}` : host);
  }
}

/**
 * The bytes of a response as they come. @throws what the signal was aborted with.
 * Deno 2.9.3 forgets a fetch's signal once its Response is garbage, though its body is still read; so this listens too.
 */
export async function* bytesOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const leave = () => void reader.cancel(signal.reason).catch(() => {}); // it may have failed already
  signal.addEventListener("abort", leave);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", leave);
    leave();
  }
}

/** The last part of what fetch says, which tells why: `Connection refused`. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  return oneLine(messageOf(cause)).replace(
    /^.*(?:tcp connect error|dns error|\(Connect\)|\(SendRequest\)): /,
    "",
  )
    .replace(/ \(os error \d+\)$/, "");
}

const MOST_CHARACTERS = 500;

async function refusal(response: Response, path: string, signal: AbortSignal): Promise<ClientError> {
  const text = await response.text().catch((thrown) => {
    if (signal.aborted) throw thrown;
    return "";
  });
  const said = oneLine(errorMessageIn(text) ?? text.slice(0, MOST_CHARACTERS)) || `no word about ${path}`;
  const again = retryAfter(response.headers.get("retry-after"));
  const status = `${response.status} ${response.statusText}`.trim();
  return new ClientError("refused", `the engine refused (${status}): ${said}${again}`, {
    status: response.status,
    reason: status,
  });
}

/** The message in `{"error":{"message":"..."}}`, as OpenAI's API has it. */
function errorMessageIn(text: string): string | undefined {
  try {
    const message: unknown = JSON.parse(text)?.error?.message;
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}

function retryAfter(header: string | null): string {
  if (header === null) return "";
  return /^\d+$/.test(header) ? `; try again in ${header} s` : `; try again after ${oneLine(header)}`;
}
