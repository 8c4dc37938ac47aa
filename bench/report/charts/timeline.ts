import type { Millis } from "../../../src/core/types.ts";
import { type Batch, batchesOf, reasonsOf } from "./batches_of.ts";
import { type Chart, type Legend, type Panel, rounded, type Row, type Subject } from "./chart.ts";
import { stageColour } from "./colours.ts";
import { measuredByCell } from "./measured.ts";
import { reasonLegend } from "./reasons.ts";

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
  const legend = reasonLegend(reasonsOf(cells.flatMap(({ batches }) => batches)));
  return {
    name: "timeline",
    title: `Batches over time, ${load ?? ""}`,
    about:
      `The first ${BATCHES_SHOWN} batches of a variant's first turn under this load. A bar goes from the dispatch ` +
      "to the last answer, the thin line before it from the first request's intended instant to the dispatch: that is " +
      "who waited, and how long. Rows have no meaning but that nothing overlaps in them.",
    legend,
    panels: cells.map(({ variant, batches }) => panelOf(variant, batches, legend)),
  };
}

function firstTurn(batches: readonly Batch[]): Batch[] {
  const round = batches.reduce((least, batch) => Math.min(least, batch.round), Infinity);
  return batches.filter((batch) => batch.round === round).slice(0, BATCHES_SHOWN);
}

function panelOf(variant: string, batches: readonly Batch[], legend: Legend): Panel {
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
