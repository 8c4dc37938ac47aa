/** What `top` shows: from the state and the terminal's size to lines; pure. */
import type { Millis } from "../core/types.ts";
import type { LiveHealth, LivePoint, LiveWindow, LiveWorker } from "../live/feed.ts";
import { decimal, duration, millis, oneLine, percent } from "../live/format.ts";
import { failuresOf, lastMinuteOf, type LiveState, ownMode, ratesOf } from "../live/state.ts";
import {
  clipped,
  fitted,
  folded,
  type Ink,
  type Line,
  lineWidth,
  plain,
  type Span,
  span,
  widthOf,
} from "./line.ts";
import { sparkline } from "./sparkline.ts";
import { batchTable, percentileTable, requestTable } from "./top_tables.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Look extends Size {
  readonly url: string;
  /** How to quit; empty where the picture is not interactive. */
  readonly hint: string;
  /** This machine's time. */
  readonly at: Millis;
}

const LABEL_COLUMNS = 10;
const SPARK_SECONDS = 300;
/** `ample`: percentiles have a table; `folded`: what is long takes more lines; `tight`: it is cut. */
const ROOMS = ["ample", "folded", "tight"] as const;
type Room = (typeof ROOMS)[number];
/** What the lists have at least, unless it is tight. */
const LIST_ROWS = 6;

/** Lines of at most `columns` characters, at most `rows` of them. */
export function topLines(state: LiveState, look: Look): Line[] {
  const { columns, rows } = look;
  const { tick, batches } = state;
  const room = ROOMS.find((room) => rows - factLines(state, look, room).length >= LIST_ROWS) ?? "tight";
  const facts = factLines(state, look, room);
  const left = Math.max(0, rows - facts.length);
  const lists = twoLists(
    batchTable(batches.slice(0, left), tick.now, columns),
    requestTable(tick.requests.slice(0, left), columns),
    left,
    room === "ample",
  );
  const lines = [...facts, ...lists].slice(0, rows).map((line) => fitted(line, columns));
  return state.lost ? lines.map(stale) : lines;
}

/** What stands above the lists, the most important first. */
function factLines(state: LiveState, look: Look, room: Room): Line[] {
  const { columns } = look;
  const { health, worker, window, point } = state.tick;
  const fold = room !== "tight";
  const ample = room === "ample";
  return [
    header(state, look),
    ...lossLines(state, look),
    ...sentence("health", health.state, healthInk(health), health.why, columns, fold),
    ...labelled("worker", workerFacts(worker), columns, fold),
    ...labelled("requests", requestFacts(state), columns, fold),
    tokenLine(state, columns),
    ...(ample ? [] : labelled("p50 / p95", percentileFacts(point), columns, fold)),
    ...sentence("window", window.verdict, windowInk(window), window.why, columns, fold),
    ...(ample ? failureLines(state, columns) : []),
    ...(ample ? [[], ...percentileTable(state.tick, columns)] : []),
  ];
}

/** The picture as plain text, for a file or a pipe. */
export function topText(state: LiveState, look: Look): string {
  return topLines(state, look).map(plain).join("\n").trimEnd();
}

/** Old figures are faint; the line about the lost connection keeps its ink. */
function stale(line: Line): Line {
  return line.some(({ ink }) => ink === "alarm") ? line : line.map(({ text }) => span(text, "faint"));
}

function header({ hello, tick }: LiveState, { columns, url, hint }: Look): Line {
  const shape = ownMode(hello)?.shape;
  const left: Line = [
    span("Omnispan", "strong"),
    span(` ${clipped(hello.mode, columns)}`),
    span(shape ? ` (${clipped(shape, columns)})` : "", "faint"),
  ];
  const ends = [`up ${duration(tick.now - hello.startedAt)}`, url, hint].filter((part) => part !== "");
  for (const right of [ends, ends.filter((part) => part !== url), ends.slice(-1)]) {
    const text = right.join("  ");
    const gap = columns - lineWidth(left) - widthOf(text);
    if (gap >= 2) return [...left, span(" ".repeat(gap)), span(text, "faint")];
  }
  return left;
}

function lossLines({ lost }: LiveState, { at, columns }: Look): Line[] {
  if (!lost) return [];
  const text = `connection lost ${duration(at - lost.since)} ago, trying again (${lost.why})`;
  return [[span(clipped(text, columns).padEnd(columns), "alarm")]];
}

function sentence(
  label: string,
  word: string,
  ink: Ink,
  why: string,
  columns: number,
  fold: boolean,
): Line[] {
  const text = oneLine(`${word}: ${why}`);
  const [first = "", ...more] = fold ? folded(text, Math.max(1, columns - LABEL_COLUMNS)) : [text];
  const start = span(first.slice(0, word.length), ink);
  return [
    [labelOf(label), start, span(first.slice(word.length))],
    ...more.map((line) => [span(" ".repeat(LABEL_COLUMNS) + line)]),
  ];
}

/** Facts side by side; what has no place goes to the next line, or away. */
function labelled(label: string, facts: readonly Span[], columns: number, fold: boolean): Line[] {
  const lines: Span[][] = [[labelOf(label)]];
  for (const fact of facts) {
    const line = lines.at(-1) ?? [];
    const begins = line.length === 1;
    if (begins || lineWidth(line) + 3 + widthOf(fact.text) <= columns) {
      line.push(...(begins ? [] : [span("   ")]), fact);
    } else if (fold) lines.push([span(" ".repeat(LABEL_COLUMNS)), fact]);
  }
  return lines;
}

function labelOf(label: string): Span {
  return span(label.padEnd(LABEL_COLUMNS), "faint");
}

function workerFacts({ state, detail, backend, model, simulated, ...more }: LiveWorker): Span[] {
  const ink = state === "up" ? "good" : state === "draining" ? "warn" : "bad";
  const { running, waiting, maxRows, kvUsage, restarts } = more;
  return [
    span(state, ink),
    ...(state === "up" || detail === "" ? [] : [span(clipped(detail, 120))]),
    span(clipped(`${backend} ${model}`, 48)),
    ...(simulated ? [span("simulated", "warn")] : []),
    span(`running ${running}${maxRows > 0 ? ` of ${maxRows}` : ""}`),
    span(`waiting ${waiting}`),
    span(`KV ${percent(kvUsage)}`, kvUsage > 0.9 ? "warn" : undefined),
    span(`restarts ${restarts}`, restarts > 0 ? "warn" : undefined),
  ].filter(({ text }) => text !== "");
}

function requestFacts(state: LiveState): Span[] {
  const { point } = state.tick;
  const { arrived, ended } = ratesOf(state);
  const { failed } = lastMinuteOf(state);
  return [
    span(`queue ${point.queueDepth}`, "strong"),
    span(`in flight ${point.inFlight}`, "strong"),
    span(`in ${decimal(arrived)}/s`),
    span(`out ${decimal(ended)}/s`),
    span(`failed ${failed} in 60 s`, failed > 0 ? "bad" : undefined),
  ];
}

function tokenLine(state: LiveState, columns: number): Line {
  const { history } = state;
  const rate = `${decimal(ratesOf(state).outputTokens)}/s`.padEnd(8);
  const peak = history.slice(-SPARK_SECONDS).reduce(
    (most, { outputTokens }) => Math.max(most, outputTokens),
    0,
  );
  const note = columns < 60 ? "" : `  peak ${decimal(peak)}/s in ${SPARK_SECONDS / 60} min`;
  const cells = Math.max(0, Math.min(SPARK_SECONDS, columns - LABEL_COLUMNS - rate.length - note.length));
  const secondsPerCell = Math.ceil(SPARK_SECONDS / Math.max(1, cells));
  const samples = history.map(({ at, outputTokens }) => ({ at, value: outputTokens }));
  const line = sparkline(samples, Math.ceil(SPARK_SECONDS / secondsPerCell), secondsPerCell);
  return [labelOf("tokens"), span(rate, "strong"), span(line, "good"), span(note, "faint")];
}

function percentileFacts({ ttft, tpot, e2e }: LivePoint): Span[] {
  return ([["TTFT", ttft], ["TPOT", tpot], ["E2E", e2e]] as const).map(([name, { p50, p95 }]) =>
    span(`${name} ${millis(p50)} / ${millis(p95)}`)
  );
}

/** Failures since the engine's start, the most frequent first; none while nothing has failed. */
function failureLines(state: LiveState, columns: number): Line[] {
  const failures = failuresOf(state).map(([status, times]) => span(clipped(`${status} ${times}`, columns)));
  return failures.length === 0 ? [] : labelled("failures", failures, columns, true);
}

function healthInk({ state }: LiveHealth): Ink {
  return state === "ok" ? "good" : state === "down" ? "bad" : "warn";
}

function windowInk({ verdict }: LiveWindow): Ink {
  return verdict === "pays" ? "good" : verdict === "costs" ? "warn" : "faint";
}

/** Each gets half of the rows, and what the other leaves; a list that would have no row has no heading either. */
function twoLists(first: readonly Line[], second: readonly Line[], rows: number, spaced: boolean): Line[] {
  const least = spaced ? 3 : 2;
  const lists = [first, second].map((list) => spaced ? [[], ...list] : list).filter(({ length }) =>
    length >= least
  );
  const [one = [], other = []] = lists;
  const forOne = Math.min(one.length, Math.max(Math.ceil(rows / 2), rows - other.length));
  const both = rows - forOne >= least && forOne >= least;
  if (!both) return one.slice(0, rows).length >= least ? one.slice(0, rows) : [];
  return [...one.slice(0, forOne), ...other.slice(0, rows - forOne)];
}
