import type { Millis } from "./core/types.ts";

/**
 * The engine's clock: Unix milliseconds with a fraction, that never step back and that all threads share
 * (each thread's `performance.timeOrigin` is read from the same system clock).
 */
export function now(): Millis {
  return performance.timeOrigin + performance.now();
}

/** What a promise resolves with; undefined when the time is over before. Rejects as the promise does. */
export async function within<T>(ms: Millis, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
