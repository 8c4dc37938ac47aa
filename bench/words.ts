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

/** What is written of a figure that was estimated. */
interface FigureEstimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly few: boolean;
}

/** Three significant digits or whole units. Nothing to compute from shows as "-", what failures decide as "failed". */
export function figure(value: number): string {
  if (value === Infinity) return "failed";
  return Number.isFinite(value) ? threeDigits(value) : "-";
}

/** The value; a `*` where too few samples lie behind it. */
export function estimate({ value, few }: FigureEstimate): string {
  const text = figure(value);
  return few && Number.isFinite(value) ? `${text}*` : text;
}

/** The value with its 95 % confidence interval: `12.5 (12.1 to 13.0)`, or `12.5 (12.1 or more)` where nothing bounds it. */
export function withInterval(of: FigureEstimate): string {
  if (!Number.isFinite(of.value) || Number.isNaN(of.low) || Number.isNaN(of.high)) return estimate(of);
  return `${estimate(of)} (${figure(of.low)} ${of.high === Infinity ? "or more" : `to ${figure(of.high)}`})`;
}

/** On one line and without control characters, so that what a server says can't rewrite the reader's terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

/** Lines of at most `width`, broken at spaces and indented after the first; a word longer than that stays whole. */
export function folded(text: string, width: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  return lines.join("\n");
}
