import { EXIT as COMMON, exitCodeOf as codeOf, ProgramError } from "../cli/exit.ts";
import { messageOf } from "../core/errors.ts";
import { EngineClient, EngineError } from "../live/engine_client.ts";
import { oneLine } from "../live/format.ts";
import { leaveProxiesOut } from "../runtime_patches/proxies.ts";
import { endedBy } from "../runtime_patches/response_body.ts";
import type { Target } from "./target.ts";

export const EXIT = { ...COMMON, refused: COMMON.failed, unreachable: 3 } as const;

/** Prints a failure to stderr and returns its exit code. @throws anything else, which is a bug */
export function exitCodeOf(thrown: unknown): number {
  return codeOf(thrown instanceof EngineError ? new ProgramError(thrown.message, EXIT[thrown.kind]) : thrown);
}

/** A client with the caller's key and certificates. It asks an engine on this machine without a proxy. */
export class EngineHttp extends EngineClient implements Disposable {
  readonly #client: Deno.HttpClient;

  constructor({ url, apiKey, certificates }: Target) {
    leaveProxiesOut(new URL(url).hostname);
    const client = Deno.createHttpClient(certificates === undefined ? {} : { caCerts: [certificates] });
    super({
      url,
      apiKey: () => apiKey,
      fetch: async (path, init) => {
        try {
          const response = await fetch(path, { ...init, client, redirect: "manual" }); // a key is not carried elsewhere
          return init.signal ? endedBy(init.signal, response) : response;
        } catch (thrown) {
          throw init.signal?.aborted ? thrown : unreachable(url, thrown);
        }
      },
    });
    this.#client = client;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function unreachable(url: string, thrown: unknown): EngineError {
  const reason = reasonOf(thrown);
  const hint = /certificate/i.test(reason)
    ? "--ca FILE names the certificate to believe"
    : "start one with: deno task serve\n(another engine: --url or OMNISPAN_URL)";
  const message = `no engine could be reached at ${url} (${reason}); ${hint}`;
  return new EngineError("unreachable", message, { reason, cause: thrown });
}

/** The reason in a failure of fetch, which is the last part of its message: `Connection refused`. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  return oneLine(messageOf(cause))
    .replace(/^.*(?:tcp connect error|dns error|\(Connect\)|\(SendRequest\)): /, "")
    .replace(/ \(os error \d+\)$/, "");
}
