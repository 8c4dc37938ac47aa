/** Lines of a screen as data: text with its ink, to be cut to a width and coloured at the very end. */
import { oneLine } from "../live/format.ts";

export type Ink = "strong" | "faint" | "good" | "warn" | "bad" | "alarm";

export interface Span {
  readonly text: string;
  readonly ink?: Ink;
}

export type Line = readonly Span[];

export function span(text: string, ink?: Ink): Span {
  return ink === undefined ? { text } : { text, ink };
}

/** Columns that a terminal gives the text; it has no control characters. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += cellsOf(character);
  return width;
}

export function lineWidth(line: Line): number {
  return line.reduce((width, { text }) => width + widthOf(text), 0);
}

/** The line in at most `width` columns, ending with "…" where something was cut off. */
export function fitted(line: Line, width: number): Line {
  if (lineWidth(line) <= width) return line;
  const kept: Span[] = [];
  let left = width - 1;
  for (const { text, ink } of line) {
    const start = startOf(text, left);
    kept.push(span(start, ink));
    left -= widthOf(start);
    if (start !== text) break;
  }
  return width < 1 ? [] : [...kept, span("…")];
}

/** A text from elsewhere, in at most `width` columns, on one line and without control characters. */
export function clipped(text: string, width: number): string {
  return fitted([span(oneLine(text))], width).map((part) => part.text).join("");
}

export function plain(line: Line): string {
  return line.map(({ text }) => text).join("").trimEnd();
}

const CODES: Readonly<Record<Ink, number>> = { strong: 1, faint: 2, good: 32, warn: 33, bad: 31, alarm: 7 };

export function coloured(line: Line): string {
  return line.map(({ text, ink }) => ink === undefined ? text : `\x1b[${CODES[ink]}m${text}\x1b[0m`).join("");
}

/** Words in lines of at most `width` columns; a longer word is cut. */
export function folded(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of oneLine(text).split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) {
      lines.splice(-1, 1, `${last} ${word}`);
    } else lines.push(clipped(word, width));
  }
  return lines;
}

/** Characters from the start that take at most `width` columns. */
function startOf(text: string, width: number): string {
  let used = 0;
  let start = "";
  for (const character of text) {
    used += cellsOf(character);
    if (used > width) break;
    start += character;
  }
  return start;
}

const NO_CELL = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const TWO_CELLS =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]$/u;

function cellsOf(character: string): number {
  if (character < "\u0300") return 1;
  if (NO_CELL.test(character)) return 0;
  return TWO_CELLS.test(character) ? 2 : 1;
}

/** Text for a terminal: line ends and tabs stay, other control characters go. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "");
}
