import type { MiddlewareHandler } from "hono";
import { hostAndPort, type Settings } from "../../config.ts";
import { OmnispanError } from "../../errors.ts";

/** The hosts by which people name their own machine. */
const OWN = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Refuses names that a foreign page may have made up for this machine: without keys, who can speak to the engine
 * may use it, and a browser speaks for any page to any name.
 */
export function requireOwnHost({ BIND_HOST }: Pick<Settings, "BIND_HOST">): MiddlewareHandler {
  const url = URL.parse(`http://${hostAndPort(BIND_HOST, 80)}`);
  const own = new Set([...OWN, url?.hostname ?? BIND_HOST]); // as the URL of a request has it
  return async ({ req }, next) => {
    const { hostname } = new URL(req.url);
    if (!own.has(hostname)) {
      const got = JSON.stringify(hostname.slice(0, 100));
      throw new OmnispanError(
        "permission_denied",
        `the header host must be one of ${
          [...own].join(", ")
        }, got ${got}: other names need API keys or ALLOW_NO_KEYS`,
      );
    }
    await next();
  };
}
