import { REASON_TEXTS } from "../../../src/core/modes/modes.ts";
import type { Millis } from "../../../src/core/types.ts";
import type { Sample } from "../../record/sample.ts";
import {
  type Chart,
  type Legend,
  type Panel,
  panelsByLoad,
  rounded,
  type Row,
  rowsHeight,
  type Subject,
  tooltip,
  variantRows,
} from "./chart.ts";
import { stageColour } from "./colours.ts";
import { measuredByCell } from "./measured.ts";

/** The greys of the palette are for what lies outside of the engine. */
const FIRST_COLOUR = 2;

/** A group that left together, as far as the samples of one cell tell. */
export interface Batch {
  readonly id: number;
  readonly size: number;
  readonly reason: string;
  readonly round: number;
  /** The first of its requests was meant to leave. */
  readonly firstAt: Millis;
  /** By the generator's clock: the way to the engine is taken as half of what the round trip is longer than the engine's own time. */
  readonly dispatchedAt: Millis;
  /** Its last answer was there. */
  readonly endedAt: Millis;
}

/** The batches of one cell's samples, in the order in which they left. */
export function batchesOf(samples: readonly Sample[]): Batch[] {
  const groups = Map.groupBy(
    samples.filter(({ dispatch }) => dispatch !== null),
    ({ round, dispatch }) => `${round} ${dispatch?.id}`,
  );
  return [...groups.values()].flatMap((members): Batch[] => {
    const [first] = members;
    if (!first?.dispatch) return [];
    const { dispatch: { id, size, reason }, round } = first;
    return [{
      id,
      size,
      reason,
      round,
      firstAt: Math.min(...members.map(({ intendedAt }) => intendedAt)),
      dispatchedAt: Math.max(...members.map(dispatchedAt)),
      endedAt: Math.max(...members.map(({ endedAt }) => endedAt)),
    }];
  }).sort((a, b) => a.dispatchedAt - b.dispatchedAt);
}

/** A reason has one colour, whichever of them a run has; those of an engine of another make come after ours. */
export function reasonLegend(batches: readonly Batch[]): Legend {
  const there = new Set(batches.map(({ reason }) => reason));
  const all = [...new Set([...Object.keys(REASON_TEXTS), ...there])];
  const labels = all.filter((reason) => there.has(reason));
  const colours = labels.map((reason) => all.indexOf(reason) + FIRST_COLOUR);
  return { palette: "stages", mark: "area", labels, colours };
}

function dispatchedAt({ sentAt, endedAt, engineMs, dispatch }: Sample): Millis {
  const oneWayMs = Math.max(0, (endedAt - sentAt - engineMs) / 2);
  return sentAt + oneWayMs + (dispatch?.queueWaitMs ?? 0);
}

/** How large batches were and why they left. A panel for each load. */
export function batchSizeChart(subject: Subject): Chart {
  const cells = measuredByCell(subject).map((cell) => ({ ...cell, batches: batchesOf(cell.samples) }));
  const legend = reasonLegend(cells.flatMap(({ batches }) => batches));
  const panels = panelsByLoad(subject, (load) => {
    const there = cells.filter((cell) => cell.load === load && cell.batches.length > 0);
    const own = there.map(({ variant }) => variant);
    const rows = there.flatMap(({ v, batches }): Row[] => [
      ...[...Map.groupBy(batches, ({ size, reason }) => JSON.stringify([size, reason])).values()].map((
        alike,
      ) => ({
        v,
        x: alike[0]?.size ?? 0,
        reason: alike[0]?.reason ?? "",
        share: rounded(alike.length / batches.length),
        batches: alike.length,
      })),
      { v, mean: rounded(batches.reduce((sum, { size }) => sum + size, 0) / batches.length) },
    ]);
    return sizePanel(load, own, legend, rows);
  });
  return {
    name: "batch_sizes",
    title: "Batch sizes and why they left",
    about:
      "A circle's area is the share of the variant's batches that had this size and left for this reason; the " +
      "upright line is the mean size over the batches.",
    legend,
    panels,
  };
}

function sizePanel(
  load: string,
  own: readonly string[],
  legend: Legend,
  rows: readonly Row[],
): Panel {
  const x = {
    type: "quantitative",
    title: "requests in a batch",
    scale: { zero: true, nice: true },
    axis: { tickMinStep: 1, tickCount: 6, format: "d" },
  } as const;
  return {
    title: load,
    values: rows,
    height: rowsHeight(own),
    encoding: { y: variantRows(own) },
    layer: [
      {
        transform: [{ filter: "isValid(datum.x)" }],
        mark: { type: "circle", opacity: 0.75 },
        encoding: {
          x: { ...x, field: "x" },
          color: stageColour("reason", legend),
          size: {
            field: "share",
            type: "quantitative",
            scale: { domain: [0, 1], range: [12, 420] },
            legend: null,
          },
          tooltip: tooltip(["x", "requests in a batch", ""], ["reason", "left because", ""], [
            "batches",
            "batches",
            "",
          ], ["share", "share of batches", ".1%"]),
        },
      },
      {
        transform: [{ filter: "isValid(datum.mean)" }],
        mark: { type: "tick", color: { expr: "theme.ink" }, thickness: 2, size: 18, opacity: 1 },
        encoding: {
          x: { ...x, field: "mean" },
          tooltip: tooltip(["mean", "mean size over the batches"]),
        },
      },
    ],
  };
}

const BATCHES_SHOWN = 100;
const PANELS_SHOWN = 12;

/** When batches waited and ran: the first turn of each variant under the run's last load. */
export function timelineChart(subject: Subject): Chart {
  const all = measuredByCell(subject);
  const load = subject.loads.at(-1);
  const cells = all
    .filter((cell) => cell.load === load)
    .slice(0, PANELS_SHOWN)
    .map(({ variant, samples }) => ({ variant, batches: firstTurn(batchesOf(samples)) }))
    .filter(({ batches }) => batches.length > 0);
  const legend = reasonLegend(cells.flatMap(({ batches }) => batches));
  return {
    name: "timeline",
    title: `Batches over time, ${load ?? ""}`,
    about:
      `The first ${BATCHES_SHOWN} batches of a variant's first turn under this load. A bar goes from the dispatch ` +
      "to the last answer, the thin line before it from the first request's intended instant to the dispatch: that is " +
      "who waited, and how long. Rows have no meaning but that nothing overlaps in them.",
    legend,
    panels: cells.map(({ variant, batches }) => timelinePanel(variant, batches, legend)),
  };
}

function firstTurn(batches: readonly Batch[]): Batch[] {
  const round = batches.reduce((least, batch) => Math.min(least, batch.round), Infinity);
  return batches.filter((batch) => batch.round === round).slice(0, BATCHES_SHOWN);
}

function timelinePanel(variant: string, batches: readonly Batch[], legend: Legend): Panel {
  const start = Math.min(...batches.map(({ firstAt }) => firstAt));
  const seconds = (at: Millis) => rounded((at - start) / 1000);
  const lanes = lanesOf(batches);
  const rows = batches.map((batch, index): Row => ({
    lane: lanes[index] ?? 0,
    first: seconds(batch.firstAt),
    from: seconds(batch.dispatchedAt),
    to: seconds(batch.endedAt),
    waitMs: rounded(batch.dispatchedAt - batch.firstAt),
    runMs: rounded(batch.endedAt - batch.dispatchedAt),
    size: batch.size,
    reason: batch.reason,
  }));
  const used = Math.max(...lanes) + 1;
  const height = Math.max(60, Math.min(260, used * 14));
  const thickness = Math.max(2, Math.min(12, height / used - 2));
  const domain = [-0.5, used - 0.5];
  const y = {
    field: "lane",
    type: "quantitative",
    axis: null,
    scale: { domain, reverse: true },
  } as const;
  return {
    title: variant,
    values: rows,
    height,
    encoding: {
      y,
      color: stageColour("reason", legend),
      tooltip: [
        { field: "size", title: "requests in the batch" },
        { field: "reason", title: "left because" },
        { field: "from", title: "dispatched at, s", format: ".3f" },
        { field: "waitMs", title: "the first had waited, ms", format: ",.4~r" },
        { field: "runMs", title: "dispatch to last answer, ms", format: ",.4~r" },
      ],
    },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 1, opacity: 0.9 },
        encoding: {
          x: { field: "first", type: "quantitative", title: "time, s", axis: { tickCount: 6 } },
          x2: { field: "from" },
        },
      },
      {
        mark: {
          type: "bar",
          height: thickness,
          opacity: 0.85,
          stroke: { expr: "theme.paper" },
          strokeWidth: 0.5,
        },
        encoding: { x: { field: "from", type: "quantitative", title: "time, s" }, x2: { field: "to" } },
      },
    ],
  };
}

/** The lane of each batch: the first that is free from its first request's instant on. */
function lanesOf(batches: readonly Batch[]): number[] {
  const order = batches.map((_, index) => index).sort((a, b) =>
    (batches[a]?.firstAt ?? 0) - (batches[b]?.firstAt ?? 0)
  );
  const busyUntil: Millis[] = [];
  const lanes = batches.map(() => 0);
  for (const index of order) {
    const batch = batches[index];
    if (batch === undefined) continue;
    const free = busyUntil.findIndex((until) => until <= batch.firstAt);
    const lane = free === -1 ? busyUntil.length : free;
    busyUntil[lane] = batch.endedAt;
    lanes[index] = lane;
  }
  return lanes;
}
