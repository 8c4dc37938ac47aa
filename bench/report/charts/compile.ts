import type { Spec } from "vega";
import type { TopLevelSpec } from "vega-lite";
import type { Chart, Panel } from "./chart.ts";
import { LIGHT } from "./colours.ts";

/** Vega specifications, ready for its runtime. */
export interface Compiler {
  /** One panel that takes its container's width; its legend stands in the page. */
  panel(panel: Panel, variants: readonly string[]): Spec;
  /** The whole chart as one picture of fixed size with its title and legend. */
  picture(chart: Chart, variants: readonly string[], subtitle: string): Spec;
}

/** What Vega-Lite says of a specification that it can't do as asked: a bug of a chart, so it is thrown. */
export class ChartError extends Error {}

const PICTURE_PANEL_WIDTH = 400;

/** Loads Vega-Lite, which takes a moment: nothing but a report needs it. */
export async function loadCompiler(): Promise<Compiler> {
  const { compile } = await import("vega-lite");
  const spec = (topLevel: TopLevelSpec) => compile(topLevel, { logger: strictLogger() }).spec;
  return {
    panel: (panel, variants) =>
      spec({
        ...common(variants),
        ...viewOf(panel),
        width: "container",
        autosize: { type: "fit-x", contains: "padding" },
        background: "transparent",
        config: configOf({ legend: false }),
      }),
    picture: ({ title, panels }, variants, subtitle) =>
      spec({
        ...common(variants),
        title: { text: title, subtitle, fontSize: 15, anchor: "start", offset: 14 },
        concat: panels.map((panel) => ({
          ...viewOf(panel),
          width: PICTURE_PANEL_WIDTH,
          ...(panel.title === "" ? {} : { title: panel.title }),
        })),
        columns: 2,
        spacing: { row: 28, column: 36 },
        background: LIGHT.paper,
        config: configOf({ legend: true }),
      }),
  };
}

function common(variants: readonly string[]) {
  return { params: [{ name: "theme", value: { ...LIGHT } }, { name: "names", value: [...variants] }] };
}

function viewOf({ values, layer, encoding, height }: Panel) {
  return {
    data: { values: [...values] },
    transform: [{ calculate: "names[datum.v]", as: "variant" }],
    layer: [...layer],
    ...(encoding ? { encoding } : {}),
    height,
  };
}

function configOf({ legend }: { legend: boolean }): NonNullable<TopLevelSpec["config"]> {
  const soft = { expr: "theme.soft" };
  const ink = { expr: "theme.ink" };
  return {
    font: "system-ui, 'Segoe UI', 'Liberation Sans', sans-serif",
    view: { stroke: null },
    // A label for each of thousands of points tells a screen reader nothing; tables stand beside the charts.
    mark: { aria: false },
    axis: {
      labelColor: soft,
      titleColor: ink,
      titleFontWeight: "normal",
      titleFontSize: 12,
      titlePadding: 8,
      labelFontSize: 11,
      gridColor: { expr: "theme.grid" },
      domainColor: soft,
      tickColor: soft,
      labelOverlap: "greedy",
    },
    axisX: { labelFlush: true },
    axisY: { domain: false, ticks: false },
    title: {
      color: ink,
      subtitleColor: soft,
      subtitlePadding: 4,
      fontSize: 12,
      fontWeight: 600,
      anchor: "start",
    },
    legend: legend
      ? {
        labelColor: ink,
        labelFontSize: 11,
        labelLimit: 0,
        orient: "bottom",
        direction: "vertical",
        columns: 2,
      }
      : { disable: true },
    numberFormat: ",~r",
  };
}

function strictLogger() {
  const fail = (...messages: readonly unknown[]): never => {
    throw new ChartError(messages.map(String).join(" "));
  };
  const logger = { level: () => logger, error: fail, warn: fail, info: () => logger, debug: () => logger };
  return logger;
}
