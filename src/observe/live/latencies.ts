import type { Answer, Millis } from "../../core/types.ts";

/** A request's latencies by the engine's clock, in ms; undefined where it has none. Only good answers have them. */
export interface Latencies {
  /** Engine receive to first token. */
  readonly ttftMs: Millis;
  /** The time from the first token to the last, for each token after the first. */
  readonly tpotMs: Millis | undefined;
}

export function latenciesOf(receivedAt: Millis, { reply, phases }: Answer): Latencies | undefined {
  if (reply.status !== "ok") return undefined;
  const { firstTokenAt, lastTokenAt } = phases;
  const more = reply.outputTokens - 1;
  return {
    ttftMs: Math.max(0, firstTokenAt - receivedAt),
    tpotMs: more > 0 ? (lastTokenAt - firstTokenAt) / more : undefined,
  };
}
