/** The charts of batches: how large they were and why they left, and when they waited and ran. */
import * as Plot from "@observablehq/plot";
import { REASON_TEXTS } from "../../../src/core/modes/modes.ts";
import type { Millis } from "../../../src/core/types.ts";
import { type Batch, batchesOf } from "../../metrics/ledger.ts";
import {
  axis,
  type Chart,
  type Legend,
  type Panel,
  panelsByLoad,
  type Subject,
  tip,
  variantRows,
} from "./chart.ts";
import { colourOf, INK } from "./colours.ts";
import { measuredByCell } from "./measured.ts";

/** The greys of the palette are for what lies outside of the engine. */
const FIRST_COLOUR = 2;

/** A reason has one colour, whichever of them a run has; those of an engine of another make come after ours. */
export function reasonLegend(batches: readonly Batch[]): Legend {
  const there = new Set(batches.map(({ reason }) => reason));
  const all = [...new Set([...Object.keys(REASON_TEXTS), ...there])];
  const labels = all.filter((reason) => there.has(reason));
  const colours = labels.map((reason) => all.indexOf(reason) + FIRST_COLOUR);
  return { palette: "stages", mark: "area", labels, colours };
}

function reasonColours({ labels, colours = [] }: Legend): ReadonlyMap<string, string> {
  return new Map(labels.map((reason, index) => [reason, colourOf("stages", colours[index] ?? index)]));
}

/** How large batches were and why they left. A panel for each load. */
export function batchSizeChart(subject: Subject): Chart {
  const cells = measuredByCell(subject).map((cell) => ({ ...cell, batches: batchesOf(cell.samples) }))
    .filter(({ batches }) => batches.length > 0);
  const legend = reasonLegend(cells.flatMap(({ batches }) => batches));
  const colours = reasonColours(legend);
  return {
    name: "batch_sizes",
    title: "Batch sizes and why they left",
    about:
      "A circle's area is the share of the variant's batches that had this size and left for this reason; the " +
      "upright line is the mean size over the batches.",
    legend,
    panels: panelsByLoad(subject, cells, (own) => {
      const groups = own.flatMap(({ variant, batches }) =>
        [...Map.groupBy(batches, ({ size, reason }) => JSON.stringify([size, reason])).values()].map(
          (alike) => {
            const [{ size, reason } = { size: 0, reason: "" }] = alike;
            const share = alike.length / batches.length;
            return {
              ...{ variant, size, share, colour: colours.get(reason) },
              title: tip({
                ...{ variant, "requests in a batch": size, "left because": reason, batches: alike.length },
                "share of batches": `${(100 * share).toFixed(1)} %`,
              }),
            };
          },
        )
      );
      const means = own.map(({ variant, batches }) => {
        const mean = batches.reduce((sum, { size }) => sum + size, 0) / batches.length;
        return { variant, mean, title: tip({ variant, "mean size over the batches": mean }) };
      });
      const largest = Math.max(...groups.map(({ size }) => size));
      return {
        ...variantRows(own.map(({ variant }) => variant)),
        x: axis("requests in a batch", { domain: [0, largest + 1], ticks: Math.min(6, largest + 1) }),
        r: { domain: [0, 1], range: [1.5, 12] },
        marks: [
          Plot.dot(groups, {
            ...{ x: "size", y: "variant", r: "share", fill: "colour", fillOpacity: 0.75, title: "title" },
          }),
          Plot.tickX(means, {
            ...{ x: "mean", y: "variant", stroke: INK, strokeWidth: 2, title: "title" },
          }),
        ],
      };
    }),
  };
}

const BATCHES_SHOWN = 100;
const PANELS_SHOWN = 12;

/** When batches waited and ran: the first turn of each variant under the run's last load. */
export function timelineChart(subject: Subject): Chart {
  const load = subject.loads.at(-1);
  const cells = measuredByCell(subject)
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
    panels: cells.map(({ variant, batches }) => timelinePanel(variant, batches, reasonColours(legend))),
  };
}

function firstTurn(batches: readonly Batch[]): Batch[] {
  const round = batches.reduce((least, batch) => Math.min(least, batch.round), Infinity);
  return batches.filter((batch) => batch.round === round).slice(0, BATCHES_SHOWN);
}

function timelinePanel(
  variant: string,
  batches: readonly Batch[],
  colours: ReadonlyMap<string, string>,
): Panel {
  const start = Math.min(...batches.map(({ firstAt }) => firstAt));
  const lanes = lanesOf(batches);
  const rows = batches.map(({ firstAt, dispatchedAt, endedAt, size, reason }, index) => ({
    lane: lanes[index] ?? 0,
    first: (firstAt - start) / 1000,
    from: (dispatchedAt - start) / 1000,
    to: (endedAt - start) / 1000,
    colour: colours.get(reason),
    title: tip({
      ...{ "requests in the batch": size, "left because": reason },
      "dispatched at, s": (dispatchedAt - start) / 1000,
      "the first had waited, ms": dispatchedAt - firstAt,
      "dispatch to last answer, ms": endedAt - dispatchedAt,
    }),
  }));
  const used = Math.max(...lanes) + 1;
  const height = Math.max(60, Math.min(260, used * 14));
  const bar = { y: "lane", stroke: "colour", title: "title" } as const;
  return {
    title: variant,
    options: {
      height: height + 50,
      marginLeft: 16,
      x: axis("time, s", { nice: false }),
      y: { axis: null, domain: [-0.5, used - 0.5], reverse: true },
      marks: [
        Plot.ruleY(rows, { ...bar, x1: "first", x2: "from" }),
        Plot.ruleY(rows, {
          ...{ ...bar, x1: "from", x2: "to", strokeOpacity: 0.85 },
          strokeWidth: Math.max(2, Math.min(12, height / used - 2)),
        }),
      ],
    },
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
