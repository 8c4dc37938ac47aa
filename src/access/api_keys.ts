import type { Buffer } from "node:buffer";
import { getLogger } from "@logtape/logtape";
import { OmnispanError, StartupError } from "../core/errors.ts";
import { warnOfExposure } from "./secret_files.ts";
import type { Millis } from "../core/types.ts";
import { FileWatch } from "./file_watch.ts";
import { type KeyLimits, type KeyRecord, parseKeyFile } from "./key_file.ts";
import { hashOf, idOf, NO_HASH, readHash, sameHash } from "./key_text.ts";
import { type Admitted, KeyUsage } from "./key_usage.ts";

const log = getLogger(["omnispan", "access"]);

const LOOK_MS = 1000;

/** The caller that an API key stands for. */
export interface Caller {
  /** The id of the key; it is not secret. */
  readonly keyId: string;
  readonly tenantId: string;
  /** The caller may see the metrics and the data of all tenants. */
  readonly operator: boolean;
  /** The limits of the key; an absent one does not apply. */
  readonly limits: KeyLimits;
}

interface Key {
  readonly hash: Buffer;
  readonly caller: Caller;
  readonly usage: KeyUsage;
}

/**
 * The keys of a file, and what each has used of its limits. It follows the file: a key that is added or removed there
 * counts within two seconds. A file that is broken or gone changes nothing and is logged.
 */
export class ApiKeys implements AsyncDisposable, Disposable {
  #keys: ReadonlyMap<string, Key> = new Map();
  readonly #watch: FileWatch;

  private constructor(private readonly path: string, lookMs: Millis) {
    this.#watch = new FileWatch(path, lookMs, {
      changed: (text) => this.#reload(text),
      failed: (problem) => log.error("the API keys stay as they were: {problem}", { problem }),
    });
  }

  /**
   * @param lookMs how often it looks at the file
   * @throws {StartupError} with a line for each thing that is wrong with the file
   */
  static async open(path: string, lookMs: Millis = LOOK_MS): Promise<ApiKeys> {
    const keys = new ApiKeys(path, lookMs);
    keys.#keys = keysOf(parseKeyFile(await keys.#watch.read(), path).keys, new Map());
    keys.#watch.start();
    return keys;
  }

  /**
   * Finds the caller whose key it is. `credential` is the value of the header `authorization`.
   * @throws {OmnispanError} unauthenticated, after the same time whether or not a key has that id
   */
  identify(credential: string | undefined): Caller {
    const [, keyText] = /^bearer +(\S+) *$/i.exec(credential ?? "") ?? [];
    if (keyText === undefined) {
      throw new OmnispanError(
        "unauthenticated",
        "no API key was given: send it as `Authorization: Bearer KEY`",
      );
    }
    const key = this.#keys.get(idOf(keyText) ?? "");
    const same = sameHash(hashOf(keyText), key?.hash ?? NO_HASH);
    if (!key || !same) throw notValid();
    return key.caller;
  }

  /**
   * Takes one request into the limits of the caller's key, as they are in the file now. Dispose what it gives when the
   * request has ended.
   * @param maxTokensField the name that the caller's protocol has for it
   * @throws {OmnispanError} invalid_argument when it can never fit, resource_exhausted when it can't now,
   * unauthenticated when the key was removed since `identify`
   */
  admit(caller: Caller, maxTokens: number, now: Millis, maxTokensField = "max_tokens"): Admitted {
    const key = this.#keys.get(caller.keyId);
    if (!key) throw notValid();
    return key.usage.admit(key.caller.limits, { maxTokens, maxTokensField, now });
  }

  /** Stops to follow the file; the keys stay valid. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  /** Also waits for a look at the file that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
  }

  #reload(text: string): void {
    const before = this.#keys;
    try {
      this.#keys = keysOf(parseKeyFile(text, this.path).keys, before);
    } catch (thrown) {
      if (!(thrown instanceof StartupError)) throw thrown;
      for (const problem of thrown.problems) {
        log.error("the API keys stay as they were: {problem}", { problem });
      }
      return;
    }
    warnOfExposure("API_KEYS_FILE", this.path);
    const after = this.#keys;
    log.info("API keys reloaded: {added} added, {removed} removed, {kept} kept", {
      added: [...after.keys()].filter((id) => !before.has(id)).length,
      removed: [...before.keys()].filter((id) => !after.has(id)).length,
      kept: [...after.keys()].filter((id) => before.has(id)).length,
    });
  }
}

/** Builds the keys of a file; one whose id was there before keeps the usage of its limits. */
function keysOf(records: readonly KeyRecord[], before: ReadonlyMap<string, Key>): Map<string, Key> {
  return new Map(records.map(({ id, hash, tenant, operator = false, limits = {} }) => {
    const caller = { keyId: id, tenantId: tenant, operator, limits };
    return [id, { hash: readHash(hash), caller, usage: before.get(id)?.usage ?? new KeyUsage(id) }];
  }));
}

function notValid(): OmnispanError {
  return new OmnispanError("unauthenticated", "the API key is not valid");
}
