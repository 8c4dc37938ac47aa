import type { LiveBatch } from "../../live/feed.ts";

/** Batches on one clock, or moved so that all leave at the same place: waits are left of it, runs right of it. */
export type TimelineView = "clock" | "aligned";

export interface TimelineTick {
  readonly x: number;
  readonly label: string;
}

export interface TimelineRow {
  readonly batch: LiveBatch;
  /** The place of its leaving. */
  readonly leftX: number;
  /** The stairs of its members' waits and the block of its run, as paths of an SVG; empty: nothing to draw. */
  readonly waitPath: string;
  readonly runPath: string;
}

export interface Timeline {
  readonly rows: readonly TimelineRow[];
  readonly ticks: readonly TimelineTick[];
}

/** The height of a row in pixels. */
export const ROW_HEIGHT = 18;
/** What of a row a full batch takes. */
const FULL_HEIGHT = 14;
const THINNEST = 2;
/** Part of the width that waits get when batches are aligned. */
const WAIT_PART = 0.5;
/** Members of at least this height have a gap between them. */
const APART_FROM = 3;
const TICK_SPACE = 90;

/**
 * Where to draw which batch, in pixels of a track `width` wide; `now` is its right end on the clock. A batch is as
 * high as it is full, so that one left alone is a thin line.
 */
export function timelineOf(
  batches: readonly LiveBatch[],
  now: number,
  width: number,
  view: TimelineView,
): Timeline {
  if (batches.length === 0 || width <= 0) return { rows: [], ticks: [] };
  const scale = view === "clock" ? clockScale(batches, now, width) : alignedScale(batches, now, width);
  const largest = Math.max(...batches.map(({ size }) => size));
  return {
    ticks: scale.ticks,
    rows: batches.map((batch) => {
      const leftX = round(scale.left(batch));
      const height = FULL_HEIGHT * Math.min(1, batch.size / (batch.capacity || largest));
      const end = scale.ran(batch, (batch.endedAt ?? now) - batch.leftAt);
      return {
        batch,
        leftX,
        waitPath: stairs(
          batch.waitsMs.map((ms) => scale.waited(batch, ms)),
          leftX,
          Math.max(height, THINNEST),
        ),
        runPath: block(leftX, Math.max(leftX, end), Math.max(height, THINNEST)),
      };
    }),
  };
}

interface Scale {
  readonly ticks: readonly TimelineTick[];
  left(batch: LiveBatch): number;
  /** The place where a member arrived that waited so long. */
  waited(batch: LiveBatch, ms: number): number;
  /** The place of a batch's end after it ran so long. */
  ran(batch: LiveBatch, ms: number): number;
}

function clockScale(batches: readonly LiveBatch[], now: number, width: number): Scale {
  const first = Math.min(...batches.map((batch) => batch.leftAt - longestWait(batch)));
  const total = Math.max(now - first, 1);
  const x = (at: number) => (at - first) / total * width;
  const steps = tickSteps(total, width);
  return {
    ticks: steps.map((ago) => ({
      x: round(width - ago / total * width),
      label: ago === 0 ? "now" : `-${plain(ago)}`,
    })),
    left: ({ leftAt }) => x(leftAt),
    waited: ({ leftAt }, ms) => x(leftAt - ms),
    ran: ({ leftAt }, ms) => Math.min(x(leftAt + ms), width),
  };
}

function alignedScale(batches: readonly LiveBatch[], now: number, width: number): Scale {
  const waits = Math.max(1, ...batches.map(longestWait));
  const runs = Math.max(1, ...batches.map(({ leftAt, endedAt }) => (endedAt ?? now) - leftAt));
  const middle = width * WAIT_PART;
  const back = (ms: number) => middle - ms / waits * middle;
  const on = (ms: number) => middle + ms / runs * (width - middle);
  return {
    ticks: [
      ...tickSteps(waits, middle).filter((ms) => ms > 0).map((ms) => ({
        x: round(back(ms)),
        label: `-${plain(ms)}`,
      })),
      { x: round(middle), label: "left" },
      ...tickSteps(runs, width - middle).filter((ms) => ms > 0)
        .map((ms) => ({ x: round(on(ms)), label: `+${plain(ms)}` })),
    ],
    left: () => middle,
    waited: (_, ms) => back(ms),
    ran: (_, ms) => on(ms),
  };
}

/** Every so many ms, in steps of 1, 2 or 5 times a power of ten. */
export function tickSteps(totalMs: number, width: number): number[] {
  const least = totalMs / Math.max(1, Math.floor(width / TICK_SPACE));
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((each) => each >= least * 0.999) ??
    least;
  return Array.from({ length: Math.floor(totalMs / step) + 1 }, (_, index) => index * step);
}

function plain(ms: number): string {
  return ms < 1000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`;
}

/** One bar for each member, from its arrival to the leaving; the first that came is the uppermost. */
function stairs(starts: readonly number[], leftX: number, height: number): string {
  const each = height / starts.length;
  const gap = each >= APART_FROM ? 1 : 0;
  const top = (ROW_HEIGHT - height) / 2;
  return starts.map((start, index) =>
    box(Math.min(start, leftX), top + index * each, leftX, top + (index + 1) * each - gap)
  ).join("");
}

function block(from: number, to: number, height: number): string {
  const top = (ROW_HEIGHT - height) / 2;
  return box(from, top, to, top + height);
}

function box(left: number, top: number, right: number, bottom: number): string {
  return right - left < 0.05
    ? ""
    : `M${round(left)} ${round(top)}H${round(right)}V${round(bottom)}H${round(left)}Z`;
}

function longestWait({ waitsMs }: LiveBatch): number {
  return Math.max(0, ...waitsMs);
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
