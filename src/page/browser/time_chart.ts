import uPlot from "uplot";
import type { LivePoint } from "../../live/feed.ts";
import { clock } from "../../live/format.ts";
import { bucketMs, type Chart, type Columns, columnsOf } from "../figures/charts.ts";
import { el, setText, svg } from "./dom.ts";

const HEIGHT = 132;
const Y_AXIS_WIDTH = 52;
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const LONG_STEP = 10;
/** Half of what a time of day takes with its seconds, and without. */
const HALF_TIME = { long: 25, short: 16 } as const;
/** The steps between labels of the time axis, in seconds. */
const TIME_STEPS = [10, 15, 30, 60, 120, 300, 600];

/** One chart with its title and a legend that shows the values at the cursor, or else the newest. */
export class TimeChart {
  readonly #chart: Chart;
  readonly #values: HTMLElement[];
  readonly #box = el("div", { class: "plot" });
  readonly #plot: uPlot;
  readonly #palette: (name: string) => string;
  readonly #pointed: (at: number | undefined) => void;
  #range: [from: number, to: number] = [0, 1];
  readonly root: HTMLElement;

  /** `palette` gives the colours of the theme in force by their names in theme.css. */
  constructor(
    chart: Chart,
    parent: Element,
    palette: (name: string) => string,
    pointed: (at: number | undefined) => void,
  ) {
    this.#chart = chart;
    this.#palette = palette;
    this.#pointed = pointed;
    this.#values = chart.series.map(() => el("b"));
    this.root = el(
      "div",
      {
        class: "chart",
        role: "group",
        tabindex: "0",
        "data-chart": chart.id,
        "aria-label": `${chart.title} ${chart.unit}, chart; left and right move the time`,
      },
      el("div", { class: "title" }, el("h3", {}, chart.title), el("span", { class: "unit" }, chart.unit)),
      this.#legend(),
      this.#box,
    );
    parent.append(this.root);
    this.#plot = new uPlot(this.#options(), [[], ...chart.series.map(() => [])], this.#box);
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("blur", () => this.#plot.setCursor({ left: -10, top: -10 }));
  }

  draw(points: readonly LivePoint[], from: number, to: number): void {
    this.#range = [from / 1000, to / 1000];
    this.#plot.setData(columnsOf(points, this.#chart.series, from, bucketMs(to - from)));
    this.#showValues();
  }

  /** Takes the width that the page gives it. */
  fit(): void {
    const width = this.#box.clientWidth;
    if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
  }

  /** Draws it again in the colours of another theme. */
  repaint(): void {
    this.#plot.redraw(false, true);
  }

  #legend(): HTMLElement {
    return el(
      "ul",
      { class: "legend" },
      ...this.#chart.series.map(({ label, colour, dash }, index) =>
        el(
          "li",
          {},
          svg(
            "svg",
            { class: `ink-${colour}`, viewBox: "0 0 18 8", "aria-hidden": "true" },
            svg("path", { d: "M0 4H18", "stroke-dasharray": (dash ?? []).join(" ") }),
          ),
          label,
          this.#values[index] ?? "",
        )
      ),
    );
  }

  /** Writes the values at the cursor, or the newest. */
  #showValues(): void {
    const [times, ...columns] = this.#plot.data as Columns;
    const index = this.#plot.cursor.idx ?? times.length - 1;
    columns.forEach((column, series) => {
      const element = this.#values[series];
      if (element) setText(element, this.#chart.text(column[index] ?? null));
    });
  }

  #moved(): void {
    this.#showValues();
    const { idx } = this.#plot.cursor;
    this.#pointed(typeof idx === "number" ? this.#plot.data[0][idx] : undefined);
  }

  #key(event: KeyboardEvent): void {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (direction === undefined) return;
    event.preventDefault();
    const times = this.#plot.data[0];
    const from = this.#plot.cursor.idx ?? times.length - 1;
    const to = Math.min(Math.max(from + direction * (event.shiftKey ? LONG_STEP : 1), 0), times.length - 1);
    const at = times[to];
    if (at !== undefined) this.#plot.setCursor({ left: this.#plot.valToPos(at, "x"), top: 10 });
  }

  #options(): uPlot.Options {
    const { series, atLeast, overGaps = false, text } = this.#chart;
    const axis = { stroke: () => this.#palette("soft"), font: FONT, ticks: { show: false }, gap: 4 };
    const grid = { stroke: () => this.#palette("grid"), width: 1 };
    return {
      width: 300,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 4, 0, 0],
      cursor: {
        y: false,
        drag: { x: false, y: false, setScale: false },
        points: { size: 6 },
        sync: { key: "live", setSeries: false, scales: ["x", null] },
      },
      scales: {
        x: { time: true, range: () => this.#range },
        y: { range: (_, __, max) => [0, Math.max(atLeast, (max ?? 0) * 1.08)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 22,
          space: 70,
          incrs: TIME_STEPS,
          values: (plot, times, _, __, step) => timeLabels(plot, times, step),
        },
        {
          ...axis,
          grid,
          size: Y_AXIS_WIDTH,
          space: 28,
          values: (_, values) => values.map((value) => short(text(value))),
        },
      ],
      series: [
        {},
        ...series.map((each) => ({
          label: each.label,
          stroke: () => this.#palette(each.colour),
          width: 1.5,
          dash: [...each.dash ?? []],
          spanGaps: overGaps,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [() => this.#moved()] },
    };
  }
}

/** The labels of the time axis; empty where one would be cut off or touch the other axis. */
function timeLabels(plot: uPlot, times: readonly number[], step: number): string[] {
  const width = plot.bbox.width / devicePixelRatio;
  const [letters, half] = step < 60 ? [8, HALF_TIME.long] : [5, HALF_TIME.short];
  return times.map((at) => {
    const x = plot.valToPos(at, "x");
    return x < half || x > width - half ? "" : clock(at * 1000).slice(0, letters);
  });
}

/** Shortens a value for an axis: `5 s` for `5.00 s`. */
function short(text: string): string {
  return text.replace(/\.0+(?=\D|$)/, "");
}
