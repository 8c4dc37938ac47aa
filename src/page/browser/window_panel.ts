import type { LiveBatch, LiveMode } from "../../live/feed.ts";
import { clock, count, decimal, millis, percent } from "../../live/format.ts";
import { because, type LiveState } from "../../live/state.ts";
import { timelineOf, type TimelineView } from "../figures/timeline.ts";
import { BatchRow, inkOf } from "./batch_row.ts";
import { byId, children, choice, el, setAttribute, setFigure, setText, svg } from "./dom.ts";

const MOST_ROWS = 20;
/** The most waits that the readout lists. */
const MOST_WAITS = 64;
const VERDICTS = {
  off: "No window",
  idle: "Too little to tell",
  pays: "It pays",
  costs: "It costs",
} as const;

/** The verdict on the window, and the last batches: who waited for whom, and why each batch left. */
export class WindowPanel {
  readonly #list = byId("timeline");
  readonly #axis = byId<SVGSVGElement>("timeline-axis");
  readonly #readout = byId("batch-readout");
  readonly #reasons = byId("reasons");
  readonly #rows: BatchRow[] = [];
  #view: TimelineView = "clock";
  #state: LiveState | undefined;
  #width = 0;
  /** The batch that the reader looks at. */
  #active: number | undefined;
  /** The batch whose values the readout has. */
  #inReadout: LiveBatch | undefined;
  /** Rows that move away below a pointer can't be read. */
  #pointed = false;

  constructor() {
    choice(byId("timeline-view"), "view", (view) => {
      this.#view = view === "aligned" ? "aligned" : "clock";
      this.#drawTimeline();
    });
    new ResizeObserver(() => {
      this.#width = this.#axis.clientWidth || this.#axis.getBoundingClientRect().width;
      this.#drawTimeline();
    }).observe(this.#axis);
    this.#list.addEventListener("pointerover", (event) => {
      this.#pointed = event.pointerType === "mouse";
      this.#look(this.#rows.find(({ root }) => root.contains(event.target as Node))?.batch?.id);
    });
    this.#list.addEventListener("pointerleave", () => {
      this.#pointed = false;
      if (document.activeElement !== this.#list) this.#look(undefined);
      this.#drawTimeline();
    });
    this.#list.addEventListener("focus", () => this.#look(this.#active ?? this.#rows[0]?.batch?.id));
    this.#list.addEventListener("blur", () => this.#look(undefined));
    this.#list.addEventListener("keydown", (event) => this.#key(event));
  }

  draw(state: LiveState): void {
    this.#state = state;
    this.#drawVerdict(state);
    if (!this.#pointed) this.#drawTimeline();
  }

  #drawVerdict({ tick: { window: verdict }, hello: { modes } }: LiveState): void {
    const word = byId("verdict");
    setFigure(word, VERDICTS[verdict.verdict], verdict.verdict);
    setAttribute(word, "data-verdict", verdict.verdict);
    setText(byId("verdict-why"), verdict.why);
    const facts: [string, string][] = [
      ["batches in the last minute", count(verdict.batches)],
      ["mean size", decimal(verdict.batches === 0 ? null : verdict.meanSize)],
    ];
    if (verdict.verdict !== "off") {
      facts.push(
        ["left full", percent(verdict.fullShare)],
        ["left alone after the whole window", percent(verdict.aloneShare)],
        ["mean wait for others", millis(verdict.meanBatchWaitMs)],
        ...modes.filter(({ isWindowed }) => isWindowed).map((
          { name, shape },
        ): [string, string] => [name, shape]),
      );
    }
    const rows = children(byId("window-facts"), facts.length, () => el("div", {}, el("dt"), el("dd")));
    facts.forEach((fact, row) => {
      const cells = rows[row]?.children ?? [];
      fact.forEach((text, cell) => cells[cell] && setText(cells[cell], text));
    });
  }

  #drawTimeline(): void {
    const state = this.#state;
    if (!state || this.#width === 0) return;
    const { modes } = state.hello;
    const batches = state.batches.slice(0, MOST_ROWS);
    const { rows, ticks } = timelineOf(batches, state.tick.now, this.#width, this.#view);
    byId("timeline-empty").hidden = rows.length > 0;
    this.#list.hidden = rows.length === 0;
    while (this.#rows.length < rows.length) {
      const row = new BatchRow(`batch-row-${this.#rows.length}`);
      this.#rows.push(row);
      this.#list.append(row.root);
    }
    const grid = ticks.map(({ x }) => `M${x} 0V18`).join("");
    this.#rows.forEach((row, index) => row.draw(rows[index], grid, modes));
    const labels = children(this.#axis, ticks.length, () => svg("text", { y: "13" }));
    ticks.forEach(({ x, label }, index) => {
      const text = labels[index];
      if (!text) return;
      setText(text, label);
      setAttribute(text, "x", String(x));
      setAttribute(text, "text-anchor", anchor(x, this.#width));
    });
    this.#drawReasons(batches, modes);
    this.#look(this.#active);
  }

  #drawReasons(batches: readonly LiveBatch[], modes: readonly LiveMode[]): void {
    const reasons = modes.flatMap(({ reasons }) => Object.entries(reasons)).filter(([name]) =>
      batches.some(({ reason }) => reason === name)
    );
    const inks = reasons.map(([name]) => inkOf(modes, name));
    const key = inks.join(" ");
    if (this.#reasons.dataset["reasons"] === key) return;
    this.#reasons.dataset["reasons"] = key;
    this.#reasons.replaceChildren(
      ...reasons.map(([name, text], index) =>
        el("li", {}, swatch(inks[index] ?? "", "M0 0H14V10H0Z", ""), `${name}: ${text}`)
      ),
      ...(reasons.length === 0 ? [] : [
        el(
          "li",
          {},
          swatch(inks[0] ?? "", "M0 5H14V10H0ZM5 0H14V4H5Z", "wait"),
          "pale: a member's wait",
        ),
      ]),
    );
  }

  /** Shows the batch with this id, or that none is looked at. */
  #look(id: number | undefined): void {
    const row = this.#rows.find(({ batch }) => batch !== undefined && batch.id === id);
    this.#active = row?.batch?.id;
    for (const each of this.#rows) each.select(each === row);
    if (row) setAttribute(this.#list, "aria-activedescendant", row.root.id);
    else this.#list.removeAttribute("aria-activedescendant");
    const shown = row?.batch ?? this.#rows[0]?.batch;
    this.#readout.hidden = shown === undefined;
    if (shown && shown !== this.#inReadout) {
      this.#readout.replaceChildren(...about(shown, this.#state?.hello.modes ?? []));
    }
    this.#inReadout = shown;
  }

  #key(event: KeyboardEvent): void {
    const last = this.#rows.filter(({ batch }) => batch).length - 1;
    const at = this.#rows.findIndex(({ batch }) => batch?.id === this.#active);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#look(this.#rows[Math.min(Math.max(to, 0), last)]?.batch?.id);
  }
}

function about(batch: LiveBatch, modes: readonly LiveMode[]): HTMLElement[] {
  const { id, mode, reason, size, capacity, leftAt, endedAt, lateMs, waitsMs } = batch;
  const of = capacity > 0 ? `${size} of ${capacity}` : `${size}`;
  const ran = endedAt === null ? "still runs" : `ran ${millis(endedAt - leftAt)}`;
  const waits = waitsMs.slice(0, MOST_WAITS).map((ms, index) =>
    el("span", {}, `${index + 1}. `, el("b", {}, millis(ms)))
  );
  const more = waitsMs.length - waits.length;
  return [
    el(
      "p",
      {},
      el("strong", {}, `Batch ${id}`),
      ` (${mode}), ${of}: left at ${clock(leftAt, true)} because ${because(modes, mode, reason)}, ${
        millis(lateMs)
      } after it was due; ${ran}.`,
    ),
    el("p", { class: "waits" }, "Waits by arrival:", ...waits, ...(more > 0 ? [`and ${more} more`] : [])),
  ];
}

function swatch(ink: string, path: string, kind: string): SVGSVGElement {
  return svg(
    "svg",
    { class: `swatch ${kind}`, viewBox: "0 0 14 10", "data-ink": ink, "aria-hidden": "true" },
    svg("path", { d: path, fill: "currentColor" }),
  );
}

function anchor(x: number, width: number): string {
  if (x < 20) return "start";
  return x > width - 20 ? "end" : "middle";
}
