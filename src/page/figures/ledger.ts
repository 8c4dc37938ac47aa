/** A request's phases as the engine tells them (docs/architecture.md); `reply` and `accept` are part of the bar, too. */

export interface LedgerPart {
  readonly name: string;
  readonly ms: number;
  /** Of the whole, 0 to 1. */
  readonly part: number;
}

const NAMES = ["accept", "queue", "batch", "dispatch", "prefill", "decode", "reply"] as const;

/** In the order of time; empty when the whole took no time or the engine told none. */
export function ledgerOf(timing: Readonly<Record<string, number>>): LedgerPart[] {
  const all = NAMES.map((name) => ({ name, ms: Math.max(0, timing[`${name}_ms`] ?? 0) }));
  const whole = all.reduce((total, { ms }) => total + ms, 0);
  return whole > 0 ? all.map(({ name, ms }) => ({ name, ms, part: ms / whole })) : [];
}
