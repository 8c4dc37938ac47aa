import type { ChannelCredentials } from "@grpc/grpc-js";
import { setTimeout as delay } from "node:timers/promises";
import { WorkerHealth } from "../workers/worker_health.ts";
import type { Millis } from "../core/types.ts";

export interface Patience {
  /** Between two health checks. */
  readonly everyMs: Millis;
  /** For the answer to one. */
  readonly timeoutMs: Millis;
  /** Checks in a row without an answer. */
  readonly misses: number;
}

/** A model's step can hold a worker's answers up for a second or two, never for so long. */
const PATIENCE: Patience = { everyMs: 2000, timeoutMs: 3000, misses: 3 };

/** Resolves when a process that lives does not answer any more; rejects when the signal fires. */
export async function hung(
  address: string,
  credentials: ChannelCredentials,
  signal: AbortSignal,
  patience = PATIENCE,
): Promise<void> {
  using health = new WorkerHealth(address, credentials);
  for (let missed = 0; missed < patience.misses;) {
    const { health: answer } = await health.check(patience.timeoutMs);
    signal.throwIfAborted();
    missed = answer === "unreachable" ? missed + 1 : 0;
    if (missed < patience.misses) await delay(patience.everyMs, undefined, { signal });
  }
}
