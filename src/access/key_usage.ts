import { OmnispanError } from "../core/errors.ts";
import type { Millis } from "../core/types.ts";
import type { KeyLimits, LimitName } from "./key_file.ts";

/** One request that is under way; dispose when it has ended. */
export interface Admitted extends Disposable {
  /**
   * Gives back what the request did not use of its max_tokens; of this and `giveBack` only the first call counts.
   * Without one of them all of max_tokens stays charged.
   */
  settle(outputTokens: number): void;
  /** Gives back all that the request was charged, because the engine refused it after all. */
  giveBack(): void;
}

/** What a request asks of its key's limits. */
export interface Demand {
  readonly maxTokens: number;
  /** The name that the caller's protocol has for it. */
  readonly maxTokensField: string;
  readonly now: Millis;
}

/**
 * What one key has used of its limits. Output tokens only: a request is charged its max_tokens when it comes, since
 * nobody knows before its end how many there will be. Input tokens are not counted.
 */
export class KeyUsage {
  #requests: MinuteBucket = FULL_BUCKET;
  #tokens: MinuteBucket = FULL_BUCKET;
  #inFlight = 0;

  constructor(private readonly keyId: string) {}

  /**
   * Takes one request, or nothing of it.
   * @throws {OmnispanError} invalid_argument when it can never fit, resource_exhausted when it can't now
   */
  admit(limits: KeyLimits, demand: Demand): Admitted {
    this.#checkSize(limits, demand);
    this.#checkRoom(limits, demand);
    const { maxTokens, now } = demand;
    const { requests_per_minute, tokens_per_minute } = limits;
    if (requests_per_minute !== undefined) {
      this.#requests = taken(this.#requests, 1, requests_per_minute, now);
    }
    if (tokens_per_minute !== undefined) {
      this.#tokens = taken(this.#tokens, maxTokens, tokens_per_minute, now);
    }
    this.#inFlight++;
    return this.#admitted(
      tokens_per_minute === undefined ? 0 : maxTokens,
      requests_per_minute === undefined ? 0 : 1,
    );
  }

  #admitted(chargedTokens: number, chargedRequests: number): Admitted {
    let settled = false;
    let ended = false;
    return {
      giveBack: () => {
        if (settled) return;
        settled = true;
        this.#tokens = givenBack(this.#tokens, chargedTokens);
        this.#requests = givenBack(this.#requests, chargedRequests);
      },
      settle: (outputTokens) => {
        if (settled) return;
        settled = true;
        this.#tokens = givenBack(this.#tokens, Math.max(0, chargedTokens - outputTokens));
      },
      [Symbol.dispose]: () => {
        if (ended) return;
        ended = true;
        this.#inFlight--;
      },
    };
  }

  #checkSize(limits: KeyLimits, { maxTokens, maxTokensField }: Demand): void {
    for (const name of ["max_tokens", "tokens_per_minute"] as const) {
      const limit = limits[name];
      if (limit === undefined || maxTokens <= limit) continue;
      const rule = `at most ${limit} (${name} of API key ${this.keyId})`;
      const message = `${maxTokensField} must be ${rule}, got ${maxTokens}`;
      throw new OmnispanError("invalid_argument", message, { param: maxTokensField });
    }
  }

  /** Refuses with the limit that takes longer to free, when two are reached. */
  #checkRoom(limits: KeyLimits, { maxTokens, now }: Demand): void {
    const { max_in_flight, requests_per_minute, tokens_per_minute } = limits;
    if (max_in_flight !== undefined && this.#inFlight >= max_in_flight) {
      throw this.#refusal("max_in_flight", max_in_flight, `${this.#inFlight} requests are under way`);
    }
    const forRequest = requests_per_minute === undefined
      ? 0
      : waitMs(this.#requests, 1, requests_per_minute, now);
    const forTokens = tokens_per_minute === undefined
      ? 0
      : waitMs(this.#tokens, maxTokens, tokens_per_minute, now);
    const retryAfterMs = Math.max(forRequest, forTokens);
    if (retryAfterMs === 0) return;
    const hint = `try again in ${retryAfterMs} ms`;
    throw forRequest > forTokens
      ? this.#refusal("requests_per_minute", requests_per_minute, hint, retryAfterMs)
      : this.#refusal("tokens_per_minute", tokens_per_minute, hint, retryAfterMs);
  }

  #refusal(name: LimitName, limit: number | undefined, hint: string, retryAfterMs?: Millis): OmnispanError {
    const message = `${name} of API key ${this.keyId} is ${limit}; ${hint}`;
    return new OmnispanError("resource_exhausted", message, { retryAfterMs });
  }
}

const MINUTE_MS = 60_000;

/**
 * A token bucket that holds one minute's worth and refills evenly. It counts units times 60,000, so the refill of a whole
 * number of milliseconds is a whole number and no rounding adds up.
 */
export interface MinuteBucket {
  /** Units taken and not yet refilled at `at`, times 60,000; a negative value counts as 0. */
  readonly spent: number;
  readonly at: Millis;
}

export const FULL_BUCKET: MinuteBucket = { spent: 0, at: 0 };

/** Whole milliseconds until `units` can be taken, 0 for now. More than a minute's worth never can. */
export function waitMs(bucket: MinuteBucket, units: number, perMinute: number, now: Millis): Millis {
  const { spent, at } = refilled(bucket, perMinute, now);
  const missing = spent + units * MINUTE_MS - perMinute * MINUTE_MS;
  return missing <= 0 ? 0 : Math.ceil(missing / perMinute) + Math.ceil(at - now);
}

/** Takes `units` even when the bucket does not hold so many. */
export function taken(bucket: MinuteBucket, units: number, perMinute: number, now: Millis): MinuteBucket {
  const { spent, at } = refilled(bucket, perMinute, now);
  return { spent: spent + units * MINUTE_MS, at };
}

/** Returns units that were taken and not used; the bucket never holds more than a minute's worth. */
export function givenBack(bucket: MinuteBucket, units: number): MinuteBucket {
  return { ...bucket, spent: bucket.spent - units * MINUTE_MS };
}

/** Refills up to `now`; a time before the last one counts as the last one. */
function refilled({ spent, at }: MinuteBucket, perMinute: number, now: Millis): MinuteBucket {
  const elapsedMs = Math.max(0, now - at);
  return { spent: Math.max(0, spent - elapsedMs * perMinute), at: Math.max(at, now) };
}
