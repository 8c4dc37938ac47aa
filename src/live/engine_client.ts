/** HTTP to one engine, from its own page or from a terminal. */
import { oneLine } from "./format.ts";

/** Why a client does not get what it asked for; the message is complete, for the person who waits. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  /** `refused`: the engine answered, and not well. `unreachable`: nothing was there to answer. */
  readonly kind: "refused" | "unreachable";
  /** HTTP's status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The message in few words, for a reader who knows which engine is meant. */
  readonly reason: string;

  constructor(
    kind: "refused" | "unreachable",
    message: string,
    options: ErrorOptions & { readonly status?: number; readonly reason?: string } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.status = options.status;
    this.reason = options.reason ?? message;
  }
}

export interface EngineRequest {
  /** The body, sent as JSON by POST; a request without one is a GET. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface EngineClientOptions {
  /** The engine's URL without a slash at its end. */
  readonly url: string;
  /** Read for each request; an empty one is not sent. */
  readonly apiKey: () => string | undefined;
  /** May throw an EngineError with more than that nothing answered. @default the global fetch */
  readonly fetch?: Fetch;
}

/** Sends requests with the caller's key, and gives only responses that are well. */
export class EngineClient {
  readonly url: string;
  readonly #options: EngineClientOptions;

  constructor(options: EngineClientOptions) {
    this.url = options.url;
    this.#options = options;
  }

  /** @throws {EngineError} when there is no response, or the engine refused; what the signal was aborted with */
  async send(path: string, { body, headers, signal }: EngineRequest = {}): Promise<Response> {
    const { apiKey, fetch: send = (url, init) => fetch(url, init) } = this.#options;
    const key = apiKey();
    let response: Response;
    try {
      response = await send(this.url + path, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          ...headers,
          ...(key && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
    } catch (thrown) {
      if (signal?.aborted || thrown instanceof EngineError) throw thrown;
      throw new EngineError("unreachable", "the engine can't be reached", { cause: thrown });
    }
    if (response.ok) return response;
    throw await refusal(response, path, signal);
  }
}

const MOST_CHARACTERS = 500;

async function refusal(
  response: Response,
  path: string,
  signal: AbortSignal | undefined,
): Promise<EngineError> {
  const text = await response.text().catch((thrown) => {
    if (signal?.aborted) throw thrown;
    return ""; // the status is in the message
  });
  const words = oneLine(errorMessageIn(text) ?? text.slice(0, MOST_CHARACTERS)) || `no word about ${path}`;
  const again = retryAfter(response.headers.get("retry-after"));
  const reason = `${response.status} ${response.statusText}`.trim();
  const message = `the engine refused (${reason}): ${words}${again}`;
  return new EngineError("refused", message, { status: response.status, reason });
}

/** The message in `{"error":{"message":"..."}}`, as OpenAI's API has it. */
function errorMessageIn(text: string): string | undefined {
  try {
    const message: unknown = JSON.parse(text)?.error?.message;
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined; // a proxy before the engine may answer with HTML
  }
}

function retryAfter(header: string | null): string {
  if (header === null) return "";
  return /^\d+$/.test(header) ? `; try again in ${header} s` : `; try again after ${oneLine(header)}`;
}
