import { messageOf } from "../core/errors.ts";
import { leaveProxiesOut } from "../runtime_patches/proxies.ts";
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
