/** How numbers are told to people. */

export function percent(share: number): string {
  const whole = share * 100;
  return `${whole > 0 && whole < 1 ? whole.toFixed(1) : whole.toFixed(0)} %`;
}

export function millis(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
}

/** `1 request`, `2 requests` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Thousands of times go over the wire; nobody reads more digits. */
export function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
