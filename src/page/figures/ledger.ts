/** A request's phases as the engine sends them (docs/architecture.md). */

export interface LedgerPart {
  readonly name: string;
  readonly ms: number;
  /** The share of the whole, 0 to 1. */
  readonly part: number;
}

const NAMES = ["accept", "queue", "batch", "dispatch", "prefill", "decode", "reply"] as const;

/** The phases in the order of time; empty when the whole took no time or the engine sent none. */
export function ledgerOf(timing: Readonly<Record<string, number>>): LedgerPart[] {
  const all = NAMES.map((name) => ({ name, ms: Math.max(0, timing[`${name}_ms`] ?? 0) }));
  const whole = all.reduce((total, { ms }) => total + ms, 0);
  return whole > 0 ? all.map(({ name, ms }) => ({ name, ms, part: ms / whole })) : [];
}
