import type { LivePoint, Percentiles } from "../../live/feed.ts";
import { count, decimal, millis, percent } from "../../live/format.ts";
import { failuresOf, lastMinuteOf, type LiveState, ratesOf } from "../../live/state.ts";
import { byId, el, setAttribute, setFigure, setText, svg } from "./dom.ts";

/** Seconds that a tile's small line shows. */
const SPARK_POINTS = 60;

/** The figures of now, and the totals since the engine's start below them. */
export class Tiles {
  readonly #rate = new Tile("Requests/s", ["rate"], true);
  readonly #tokens = new Tile("Output tokens/s", ["tokens"], true);
  readonly #queue = new Tile("Queue", ["queueDepth"], true);
  readonly #inFlight = new Tile("In flight", ["inFlight"], true);
  readonly #latencies = (["ttft", "tpot", "e2e"] as const).map((name) => ({
    name,
    tile: new Tile(`${name.toUpperCase()}, last 30 s`, [`${name}P50`, `${name}P95`], false),
  }));
  readonly #errors = new Tile("Failed in 1 min", ["failedLastMinute"], false);
  readonly #totals = new Totals();

  constructor() {
    const tiles = [this.#rate, this.#tokens, this.#queue, this.#inFlight];
    byId("tiles").append(
      ...[...tiles, ...this.#latencies.map(({ tile }) => tile), this.#errors].map(({ root }) => root),
    );
  }

  draw(state: LiveState): void {
    const { tick: { point, worker, totals }, hello: { settings }, history } = state;
    const rates = ratesOf(state);
    this.#rate.show([[decimal(rates.arrived), rates.arrived]], `${decimal(rates.ended)} ended/s`);
    this.#rate.spark(history, (each) => each.arrived);
    this.#tokens.show(
      [[decimal(rates.outputTokens), rates.outputTokens]],
      `${count(totals.outputTokens)} so far`,
    );
    this.#tokens.spark(history, (each) => each.outputTokens);
    this.#queue.show(
      [[count(point.queueDepth), point.queueDepth]],
      `of ${settings["QUEUE_CAPACITY"]} places`,
    );
    this.#queue.spark(history, (each) => each.queueDepth);
    this.#inFlight.show(
      [[count(point.inFlight), point.inFlight]],
      worker.maxRows > 0 ? `worker takes ${count(worker.maxRows)}` : "at the worker",
    );
    this.#inFlight.spark(history, (each) => each.inFlight);
    for (const { name, tile } of this.#latencies) tile.percentiles(point[name]);
    const { ended, failed } = lastMinuteOf(state);
    this.#errors.show(
      [[count(failed), failed]],
      ended === 0 ? "nothing ended" : `${percent(failed / ended)} of ${count(ended)}`,
    );
    this.#errors.alarm(failed > 0);
    this.#totals.draw(state);
  }
}

class Tile {
  readonly root = el("div", { class: "tile" });
  readonly #values: HTMLElement[];
  readonly #about = el("p", { class: "about" });
  readonly #path = svg("path");

  constructor(title: string, figures: readonly string[], spark: boolean) {
    this.#values = figures.map((figure) => el("span", { "data-figure": figure }));
    const names = figures.length > 1 ? ["p50", "p95"] : [];
    const shown = this.#values.map((value, index) => {
      const name = names[index];
      return el("p", {}, el("span", { class: "value" }, value), ...(name ? [el("small", {}, name)] : []));
    });
    this.root.append(
      el("h3", {}, title),
      el("div", { class: figures.length > 1 ? "values two" : "values" }, ...shown),
      ...(figures.length > 1 ? [] : [this.#about]),
    );
    if (!spark) return;
    this.root.append(
      svg(
        "svg",
        { class: "spark", viewBox: "0 0 60 20", preserveAspectRatio: "none", "aria-hidden": "true" },
        this.#path,
      ),
    );
  }

  show(values: readonly (readonly [text: string, value: number | string])[], about: string): void {
    values.forEach(([text, value], index) => {
      const element = this.#values[index];
      if (element) setFigure(element, text, value);
    });
    setText(this.#about, about);
  }

  percentiles({ p50, p95 }: Percentiles): void {
    this.show([[millis(p50), p50 ?? ""], [millis(p95), p95 ?? ""]], "");
  }

  alarm(on: boolean): void {
    setAttribute(this.root, "data-alarm", String(on));
  }

  spark(points: readonly LivePoint[], of: (point: LivePoint) => number): void {
    const values = points.slice(-SPARK_POINTS).map(of);
    const most = Math.max(1, ...values);
    const from = SPARK_POINTS - values.length;
    const steps = values.map((value, index) =>
      `${from + index + 0.5} ${(19 - value / most * 18).toFixed(1)}`
    );
    setAttribute(this.#path, "d", steps.length > 1 ? `M${steps.join("L")}` : "");
  }
}

const TOTALS = ["accepted", "ok", "failed", "retried", "inputTokens", "outputTokens", "batches"] as const;
const TOTAL_NAMES = {
  accepted: "accepted",
  ok: "ok",
  failed: "failed",
  retried: "sent again",
  inputTokens: "input tokens",
  outputTokens: "output tokens",
  batches: "batches",
} as const;

class Totals {
  readonly #figures = TOTALS.map((name) => ({ name, dd: el("dd", { "data-figure": name }) }));
  readonly #statuses = el("dd");
  readonly #statusRow = el("div", { class: "list" }, el("dt", {}, "failed as"), this.#statuses);

  constructor() {
    byId("totals").append(
      el("div", {}, el("dt", {}, "Since the start:")),
      ...this.#figures.map(({ name, dd }) => el("div", {}, el("dt", {}, TOTAL_NAMES[name]), dd)),
      this.#statusRow,
    );
  }

  draw(state: LiveState): void {
    const { totals } = state.tick;
    const failed = failuresOf(state);
    const all = { ...totals, failed: failed.reduce((sum, [, times]) => sum + times, 0) };
    for (const { name, dd } of this.#figures) setFigure(dd, count(all[name]), all[name]);
    this.#statusRow.hidden = failed.length === 0;
    setText(this.#statuses, failed.map(([status, times]) => `${status} ${count(times)}`).join(", "));
  }
}
