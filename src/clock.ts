import type { Millis } from "./core/types.ts";

/**
 * The engine's clock: Unix milliseconds with a fraction, that never step back and that all threads share
 * (each thread's `performance.timeOrigin` is read from the same system clock).
 */
export function now(): Millis {
  return performance.timeOrigin + performance.now();
}
