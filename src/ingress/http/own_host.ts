import { hostAndPort, type Settings } from "../../config/config.ts";
import { OmnispanError } from "../../core/errors.ts";

/** The hosts by which people name their own machine. */
const OWN = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Tells the names of this machine from those that a foreign page may have made up for it: without keys, who can speak
 * to the engine may use it, and a browser speaks for any page to any name.
 */
export class OwnHosts {
  readonly #own: ReadonlySet<string>;

  constructor({ BIND_HOST }: Pick<Settings, "BIND_HOST">) {
    const url = URL.parse(`http://${hostAndPort(BIND_HOST, 80)}`);
    this.#own = new Set([...OWN, url?.hostname ?? BIND_HOST]); // as the URL of a request has it
  }

  has(url: string): boolean {
    return this.#own.has(new URL(url).hostname);
  }

  /** @throws {OmnispanError} permission_denied */
  require(url: string): void {
    if (this.has(url)) return;
    const got = JSON.stringify(new URL(url).hostname.slice(0, 100));
    const rule = `the header host must be one of ${[...this.#own].join(", ")}, got ${got}`;
    throw new OmnispanError("permission_denied", `${rule}: other names need API keys or ALLOW_NO_KEYS`);
  }
}
