import type { LiveBatch, LiveMode } from "../../live/feed.ts";
import { millis } from "../../live/format.ts";
import { because } from "../../live/state.ts";
import type { TimelineRow } from "../figures/timeline.ts";
import { el, setAttribute, setText, svg } from "./dom.ts";

/** One batch of the timeline: its name, and its waits, leaving and run on the time axis. Rows are used again. */
export class BatchRow {
  batch: LiveBatch | undefined;
  readonly #number = el("span", { class: "number soft" });
  readonly #why = el("span", { class: "why" });
  readonly #fill = el("span", { class: "fill" });
  readonly #grid = svg("path", { class: "grid" });
  readonly #wait = svg("path", { class: "wait" });
  readonly #run = svg("path", { class: "run" });
  readonly #mark = svg("path", { class: "mark" });
  readonly #track = svg(
    "svg",
    { class: "track", "aria-hidden": "true" },
    this.#grid,
    this.#wait,
    this.#run,
    this.#mark,
  );
  readonly root = el(
    "div",
    { class: "batch", role: "option", "aria-selected": "false" },
    el("span", { class: "name", "aria-hidden": "true" }, this.#number, this.#why, this.#fill),
    this.#track,
  );

  constructor(id: string) {
    this.root.id = id;
  }

  /** Shows a row of the timeline; hides the element when there is none. */
  draw(row: TimelineRow | undefined, grid: string, modes: readonly LiveMode[]): void {
    this.batch = row?.batch;
    this.root.hidden = row === undefined;
    if (!row) return;
    const { batch: { id, reason, size, capacity, endedAt }, waitPath, runPath, leftX } = row;
    setText(this.#number, `#${id}`);
    setText(this.#why, reason);
    setAttribute(this.#why, "data-ink", inkOf(modes, reason));
    setAttribute(this.#track, "data-ink", inkOf(modes, reason));
    setText(this.#fill, capacity > 0 ? `${size}/${capacity}` : `${size}`);
    setAttribute(this.#grid, "d", grid);
    setAttribute(this.#wait, "d", waitPath);
    setAttribute(this.#run, "d", runPath);
    setAttribute(this.#run, "class", endedAt === null ? "run open" : "run");
    setAttribute(this.#mark, "d", `M${leftX} 1V17`);
    setAttribute(this.root, "aria-label", labelOf(row.batch, modes));
  }

  select(on: boolean): void {
    setAttribute(this.root, "aria-selected", String(on));
  }
}

/** The colours for reasons in timeline.css. */
const INKS = 6;

/** The colour of a reason: by its place among the reasons of all modes. */
export function inkOf(modes: readonly LiveMode[], reason: string): string {
  return String(modes.flatMap(({ reasons }) => Object.keys(reasons)).indexOf(reason) % INKS);
}

function labelOf(
  { id, mode, reason, size, capacity, leftAt, endedAt, waitsMs }: LiveBatch,
  modes: readonly LiveMode[],
): string {
  const fill = capacity > 0 ? `${size} of ${capacity}` : `${size}`;
  const run = endedAt === null ? "still runs" : `ran ${millis(endedAt - leftAt)}`;
  return `Batch ${id}, ${fill}, left because ${because(modes, mode, reason)}, longest wait ${
    millis(Math.max(0, ...waitsMs))
  }, ${run}`;
}
