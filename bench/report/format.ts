import type { Estimate } from "../metrics/cell_summary.ts";
import { threeDigits } from "../words.ts";

/** Three significant digits or whole units. Nothing to compute from shows as "-", what failures decide as "failed". */
export function figure(value: number): string {
  if (value === Infinity) return "failed";
  return Number.isFinite(value) ? threeDigits(value) : "-";
}

/** The value; a `*` where too few samples lie behind it. */
export function estimate({ value, few }: Estimate): string {
  const text = figure(value);
  return few && Number.isFinite(value) ? `${text}*` : text;
}

/** The value with its 95 % confidence interval: `12.5 (12.1 to 13.0)`, or `12.5 (12.1 or more)` where nothing bounds it. */
export function withInterval(of: Estimate): string {
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
