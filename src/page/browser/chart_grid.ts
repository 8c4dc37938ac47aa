import { clock } from "../../live/format.ts";
import type { LiveState } from "../../live/state.ts";
import { CHARTS } from "../figures/charts.ts";
import { byId, choice, setText } from "./dom.ts";
import { TimeChart } from "./time_chart.ts";

/** The distance from the window's edge within which a chart is drawn before it is seen. */
const AHEAD = "150px";

/** All charts over one range of time, with one cursor. Those out of sight are drawn once they come into sight. */
export class ChartGrid {
  readonly #charts: TimeChart[];
  readonly #time = byId("cursor-time");
  readonly #inSight = new Set<TimeChart>();
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
    const sight = new IntersectionObserver((entries) => this.#sighted(entries), { rootMargin: AHEAD });
    for (const { root } of this.#charts) sight.observe(root);
    new ResizeObserver(() => {
      for (const chart of this.#charts) chart.fit();
    }).observe(root);
  }

  draw(state: LiveState): void {
    this.#state = state;
    this.#drawEach(this.#inSight);
  }

  #drawEach(charts: Iterable<TimeChart>): void {
    if (!this.#state) return;
    const { history, tick } = this.#state;
    const to = history.at(-1)?.at ?? tick.now;
    const from = to - this.#minutes * 60_000;
    for (const chart of charts) chart.draw(history, from, to);
  }

  #sighted(entries: readonly IntersectionObserverEntry[]): void {
    const come = new Set<TimeChart>();
    for (const { target, isIntersecting } of entries) {
      const chart = this.#charts.find(({ root }) => root === target);
      if (!chart) continue;
      if (!isIntersecting) this.#inSight.delete(chart);
      else if (!this.#inSight.has(chart)) come.add(chart);
    }
    for (const chart of come) this.#inSight.add(chart);
    this.#drawEach(come);
  }

  #pointed(at: number | undefined): void {
    setText(this.#time, at === undefined ? "" : `values at ${clock(at * 1000)}`);
  }
}
