/** How the clients write figures and what others say. */
import type { Millis } from "../core/types.ts";

/** Three significant digits or whole units. */
export function threeDigits(value: number): string {
  if (value >= 100 || value === 0) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** `12.3 ms`, and from a second on `1.23 s`. */
export function ms(time: Millis): string {
  return time >= 1000 ? `${threeDigits(time / 1000)} s` : `${threeDigits(time)} ms`;
}

/** The two largest units of a longer time: `45 s`, `12 min 5 s`, `3 h 12 min`, `2 d 4 h`. */
export function duration(time: Millis): string {
  const seconds = Math.max(0, Math.floor(time / 1000));
  const parts: (readonly [value: number, unit: string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([value]) => value > 0).map((part) => part.join(" ")).join(" ");
}

/** `1 request`, `2 requests`, `2 batches`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : noun.endsWith("ch") ? "es" : "s"}`;
}

/** On one line and without control characters, so that what a server says can't rewrite the reader's terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
}

/** Text for a terminal: line ends and tabs stay, other control characters go. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "");
}
