/** How figures are written in the sentences of the lab. Imports nothing of ours but types. */
import type { Millis } from "../src/core/types.ts";

/** Three significant digits or whole units, of a finite number. */
export function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2).replace(/^-(?=[0.]+$)/, "");
}

/** `12.3 ms`, and from a second on `1.23 s`. */
export function ms(time: Millis): string {
  return time >= 1000 ? `${threeDigits(time / 1000)} s` : `${threeDigits(time)} ms`;
}

/** A share of 1 as per cent; `-` where there is none. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %` : "-";
}

/** `1 request`, `2 requests`, `2 batches`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : noun.endsWith("ch") ? "es" : "s"}`;
}

/** `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
