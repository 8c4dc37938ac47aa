import { CHARTS } from "../figures/charts.ts";
import { clock } from "../figures/format.ts";
import type { LiveState } from "../figures/live_state.ts";
import { byId, choice, setText } from "./dom.ts";
import { TimeChart } from "./time_chart.ts";

/** All charts over one range of time, with one cursor. */
export class ChartGrid {
  readonly #charts: TimeChart[];
  readonly #time = byId("cursor-time");
  #minutes = 5;
  #state: LiveState | undefined;

  constructor() {
    const root = byId("charts");
    const style = getComputedStyle(root);
    const known = new Map<string, string>();
    // Kept, for each asking of the live style makes the browser lay out what has changed meanwhile.
    const palette = (name: string) => {
      const colour = known.get(name) ?? style.getPropertyValue(`--${name}`);
      known.set(name, colour);
      return colour;
    };
    this.#charts = CHARTS.map((chart) => new TimeChart(chart, root, palette, (at) => this.#pointed(at)));
    choice(byId("ranges"), "minutes", (minutes) => {
      this.#minutes = Number(minutes);
      if (this.#state) this.draw(this.#state);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      known.clear();
      for (const chart of this.#charts) chart.repaint();
    });
    new ResizeObserver(() => {
      for (const chart of this.#charts) chart.fit();
    }).observe(root);
  }

  draw(state: LiveState): void {
    this.#state = state;
    const to = state.points.at(-1)?.at ?? state.tick.now;
    const from = to - this.#minutes * 60_000;
    for (const chart of this.#charts) chart.draw(state.points, from, to);
  }

  #pointed(at: number | undefined): void {
    setText(this.#time, at === undefined ? "" : `values at ${clock(at * 1000)}`);
  }
}
