import type { CellSummary, Estimate } from "../../metrics/cell_summary.ts";
import {
  type Chart,
  CUT_OFF,
  endOf,
  type Layers,
  msAxis,
  type Panel,
  rounded,
  type Row,
  type Subject,
  tooltip,
} from "./chart.ts";
import { variantColour, variantShape } from "./colours.ts";

/** Of the panel's width and height, what a label takes; one that would come closer to another is left to the tooltip. */
const LABEL_ROOM = { x: 0.2, y: 0.07 };

/** Throughput against latency: a point for each cell, joined along the loads of a variant. */
export function paretoChart(subject: Subject): Chart {
  const panels = [
    panelOf(subject, "p95 E2E latency", ({ e2eMs }) => e2eMs.p95),
    panelOf(subject, "p95 TTFT", ({ ttftMs }) => ttftMs.p95),
  ];
  return {
    name: "throughput_latency",
    title: "Throughput against latency",
    about:
      "Right and low is good. A line joins a variant's closed loops, another its open ones, in their order; thin lines are 95 % confidence " +
      `intervals; ${CUT_OFF}. The dotted line goes through the cells that no other beats in both. ` +
      "Cells whose percentile falls on a failed request are left out.",
    legend: { palette: "variants", mark: "point", labels: subject.variants },
    panels: panels.filter(({ values }) => values.length > 1),
  };
}

interface Point {
  readonly x: Estimate;
  readonly y: Estimate;
}

function panelOf(
  { plan, summary, variants, loads }: Subject,
  name: string,
  of: (cell: CellSummary) => Estimate,
): Panel {
  const cells = summary.cells
    .map((cell) => ({ ...cell, x: cell.outputTokenRate, y: of(cell) }))
    .filter(({ x, y }) => Number.isFinite(x.value) && Number.isFinite(y.value));
  const best = new Set<Point>(frontier(cells));
  const axis = msAxis(name, cells.map(({ y }) => y.value), false);
  const sides = labelSides(cells, axis.scale.type === "log");
  const rows = cells.map((cell): Row => ({
    v: variants.indexOf(cell.variant),
    load: cell.load,
    order: loads.indexOf(cell.load),
    kind: plan.loads.find((load) => load.name === cell.load)?.kind ?? "closed",
    ...rangeOf("x", cell.x),
    ...rangeOf("y", cell.y),
    best: best.has(cell) ? 1 : 0,
    label: sides.get(cell) ?? null,
  }));
  const x = {
    field: "x",
    type: "quantitative",
    title: "output tokens/s",
    scale: { zero: false, ...endOf(cells.map(({ x }) => x)) },
    axis: { tickCount: 5 },
  } as const;
  const y = {
    field: "y",
    type: "quantitative",
    ...axis,
    scale: { ...axis.scale, ...endOf(cells.map(({ y }) => y)) },
  } as const;
  const color = variantColour(variants);
  const rule = { type: "rule", opacity: 0.55, clip: true } as const;
  const label = (align: "left" | "right"): Layers[number] => ({
    transform: [{ filter: `datum.label === '${align}'` }],
    mark: {
      type: "text",
      align,
      dx: align === "left" ? 8 : -8,
      dy: -8,
      fontSize: 10,
      color: { expr: "theme.soft" },
    },
    encoding: { x, y, text: { field: "load" } },
  });
  return {
    title: name,
    values: rows,
    height: 300,
    layer: [
      {
        transform: [{ filter: "datum.best" }],
        mark: { type: "line", strokeDash: [2, 4], color: { expr: "theme.soft" } },
        encoding: { x, y, order: { field: "x", type: "quantitative" } },
      },
      {
        mark: { type: "line", strokeWidth: 1.5, opacity: 0.8 },
        encoding: {
          ...{ x, y, color },
          detail: { field: "kind", type: "nominal" },
          order: { field: "order", type: "quantitative" },
        },
      },
      { mark: rule, encoding: { color, y, x: { ...x, field: "xLow" }, x2: { field: "xHigh" } } },
      { mark: rule, encoding: { color, x, y: { ...y, field: "yLow" }, y2: { field: "yHigh" } } },
      {
        mark: { type: "point", filled: true, size: 70, opacity: 1 },
        encoding: {
          x,
          y,
          color,
          shape: variantShape(variants),
          tooltip: tooltip(["load", "load", ""], ["x", "output tokens/s"], ["y", `${name}, ms`]),
        },
      },
      label("left"),
      label("right"),
    ],
  };
}

function rangeOf(name: "x" | "y", { value, low, high }: Estimate): Row {
  const known = Number.isFinite(low) && Number.isFinite(high);
  return {
    [name]: rounded(value),
    [`${name}Low`]: rounded(known ? low : value),
    [`${name}High`]: rounded(known ? high : value),
  };
}

/** On which side of a point its load's name has room; absent for those whose names would lie over another's. */
function labelSides(points: readonly Point[], log: boolean): ReadonlyMap<Point, "left" | "right"> {
  const place = (value: number, values: readonly number[]) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return high > low ? (value - low) / (high - low) : 0;
  };
  const height = ({ y }: Point) => log ? Math.log(y.value) : y.value;
  const heights = points.map(height);
  const widths = points.map(({ x }) => x.value);
  const taken: { x: number; y: number }[] = [];
  const sides = new Map<Point, "left" | "right">();
  for (const point of points) {
    const at = { x: place(point.x.value, widths), y: place(height(point), heights) };
    const near = ({ x, y }: typeof at) =>
      Math.abs(x - at.x) < LABEL_ROOM.x && Math.abs(y - at.y) < LABEL_ROOM.y;
    if (taken.some(near)) continue;
    taken.push(at);
    sides.set(point, at.x > 0.8 ? "right" : "left");
  }
  return sides;
}

/** Those that no other beats in throughput and latency both. */
function frontier<T extends Point>(points: readonly T[]): T[] {
  const fastest = points.toSorted((a, b) => b.x.value - a.x.value || a.y.value - b.y.value);
  let least = Infinity;
  return fastest.filter(({ y }) => {
    if (y.value >= least) return false;
    least = y.value;
    return true;
  });
}
