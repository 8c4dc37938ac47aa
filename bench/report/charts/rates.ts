import type { CellSummary, Estimate } from "../../metrics/cell_summary.ts";
import { sloText } from "../about_run.ts";
import { type Chart, CUT_OFF, endOf, rounded, type Row, type Subject } from "./chart.ts";
import { variantColour } from "./colours.ts";

export function throughputChart(subject: Subject): Chart {
  return rateChart(subject, {
    name: "throughput",
    title: "Output tokens a second",
    axis: "output tokens/s",
    about: `Tokens of successful requests over the measured time; lines are 95 % confidence intervals; ` +
      `${CUT_OFF}.`,
    rate: ({ outputTokenRate }) => outputTokenRate,
  });
}

/** Empty where no SLO is stated. */
export function goodputChart(subject: Subject): Chart {
  return rateChart(subject, {
    name: "goodput",
    title: "Goodput",
    axis: "good requests/s",
    about:
      `Requests a second that kept all of ${
        sloText(subject.plan.slo) ?? "the SLO"
      }; lines are 95 % confidence ` +
      `intervals; ${CUT_OFF}.`,
    rate: ({ goodput }) => goodput,
  });
}

interface Rate {
  readonly name: string;
  readonly title: string;
  readonly axis: string;
  readonly about: string;
  rate(cell: CellSummary): Estimate | null;
}

function rateChart(
  { summary: { cells }, variants, loads }: Subject,
  { name, title, axis, about, rate }: Rate,
): Chart {
  const end = endOf(cells.flatMap((cell) => rate(cell) ?? []));
  const rows = cells.flatMap((cell): Row[] => {
    const { value, low, high } = rate(cell) ?? { value: NaN, low: NaN, high: NaN };
    if (!Number.isFinite(value)) return [];
    const ends = Number.isFinite(low) && Number.isFinite(high)
      ? { low: rounded(low), high: rounded(high) }
      : {};
    return [{ v: variants.indexOf(cell.variant), load: cell.load, y: rounded(value), ...ends }];
  });
  const panel = {
    title: "",
    values: rows,
    height: 240,
    encoding: {
      x: {
        field: "load",
        type: "nominal",
        sort: [...loads],
        title: null,
        scale: { paddingInner: 0.15, paddingOuter: 0.05 },
        axis: { labelAngle: 0, ticks: false, labelExpr: "split(datum.label, ' ')" },
      },
      xOffset: { field: "variant", sort: [...variants], scale: { domain: [...variants] } },
    },
    layer: [
      {
        mark: { type: "bar" },
        encoding: {
          y: { field: "y", type: "quantitative", title: axis, axis: { tickCount: 5 }, scale: { ...end } },
          color: variantColour(variants),
          tooltip: [
            { field: "variant", title: "variant" },
            { field: "load", title: "load" },
            { field: "y", title: axis, format: ",.4~r" },
            { field: "low", title: "95 % from", format: ",.4~r" },
            { field: "high", title: "95 % to", format: ",.4~r" },
          ],
        },
      },
      {
        transform: [{ filter: "isValid(datum.low)" }],
        mark: { type: "rule", clip: true, color: { expr: "theme.ink" }, strokeWidth: 1.2 },
        encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" } },
      },
    ],
  } as const satisfies Chart["panels"][number];
  return {
    name,
    title,
    about,
    legend: { palette: "variants", mark: "area", labels: variants },
    panels: rows.length ? [panel] : [],
  };
}
