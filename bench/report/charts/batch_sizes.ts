import { batchesOf, reasonsOf } from "./batches_of.ts";
import { type Chart, type Legend, type Panel, rounded, type Row, type Subject } from "./chart.ts";
import { stageColour } from "./colours.ts";
import { reasonLegend } from "./reasons.ts";
import { measuredByCell } from "./measured.ts";
import { rowsHeight, variantRows } from "./rows.ts";

/** How large batches were and why they left. A panel for each load. */
export function batchSizeChart(subject: Subject): Chart {
  const { loads } = subject;
  const cells = measuredByCell(subject).map((cell) => ({ ...cell, batches: batchesOf(cell.samples) }));
  const reasons = reasonsOf(cells.flatMap(({ batches }) => batches));
  const legend = reasonLegend(reasons);
  const panels = loads.map((load): Panel => {
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
    return panelOf(load, own, legend, rows);
  });
  return {
    name: "batch_sizes",
    title: "Batch sizes and why they left",
    about:
      "A circle's area is the share of the variant's batches that had this size and left for this reason; the " +
      "upright line is the mean size over the batches.",
    legend,
    panels: panels.filter(({ values }) => values.length > 0),
  };
}

function panelOf(
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
          tooltip: [
            { field: "variant", title: "variant" },
            { field: "x", title: "requests in a batch" },
            { field: "reason", title: "left because" },
            { field: "batches", title: "batches" },
            { field: "share", title: "share of batches", format: ".1%" },
          ],
        },
      },
      {
        transform: [{ filter: "isValid(datum.mean)" }],
        mark: { type: "tick", color: { expr: "theme.ink" }, thickness: 2, size: 18, opacity: 1 },
        encoding: {
          x: { ...x, field: "mean" },
          tooltip: [{ field: "variant", title: "variant" }, {
            field: "mean",
            title: "mean size over the batches",
            format: ",.4~r",
          }],
        },
      },
    ],
  };
}
