import type { LiveWorker } from "../../live/feed.ts";
import { count, percent } from "../../live/format.ts";
import type { LiveState } from "../../live/state.ts";
import { byId, el, setAttribute, setFigure, setText } from "./dom.ts";

const WORKER_FACTS = ["backend", "model", "running", "waiting", "KV cache", "restarts", "detail"] as const;
const STATES = { up: "Up", draining: "Draining", down: "Down" } as const;

export class WorkerPanel {
  readonly #state = byId("worker-state");
  readonly #brief = byId("worker-brief");
  readonly #facts = WORKER_FACTS.map((name) => ({ name, dd: el("dd") }));

  constructor() {
    byId("worker").append(...this.#facts.map(({ name, dd }) => el("div", {}, el("dt", {}, name), dd)));
    for (const { name, dd } of this.#facts) if (name === "restarts") dd.dataset["figure"] = "restarts";
  }

  draw({ tick: { worker } }: LiveState): void {
    setAttribute(this.#state, "data-state", worker.state);
    const word = this.#state.querySelector("strong");
    if (word) setFigure(word, STATES[worker.state], worker.state);
    byId("simulated").hidden = !worker.simulated;
    this.#drawBrief(worker);
    const texts = {
      backend: worker.backend || "not known yet",
      model: worker.model || "not known yet",
      running: worker.maxRows > 0
        ? `${count(worker.running)} of ${count(worker.maxRows)}`
        : count(worker.running),
      waiting: count(worker.waiting),
      "KV cache": percent(worker.kvUsage),
      restarts: count(worker.restarts),
      detail: worker.detail,
    } as const;
    for (const { name, dd } of this.#facts) {
      if (name === "restarts") setFigure(dd, texts[name], worker.restarts);
      else setText(dd, texts[name]);
      if (dd.parentElement) dd.parentElement.hidden = texts[name] === "";
    }
  }

  /** Writes the state into the bar at the top, where the health beside it has the reason of a worker that is down. */
  #drawBrief({ state, backend, model, simulated, restarts }: LiveWorker): void {
    setAttribute(this.#brief, "data-state", state);
    setText(byId("worker-brief-state"), `Worker ${STATES[state].toLowerCase()}`);
    const restarted = restarts > 0 ? `restarts: ${count(restarts)}` : "";
    const text = [backend, model, restarted].filter((part) => part !== "").join(", ");
    setText(byId("worker-brief-text"), text);
    setAttribute(byId("worker-brief-text"), "title", text);
    byId("worker-brief-simulated").hidden = !simulated;
  }
}

/** The settings in force, of which the reader may pick those with a word in them. */
export class SettingsPanel {
  readonly #filter = byId<HTMLInputElement>("settings-filter");
  readonly #rows: { readonly text: string; readonly root: HTMLElement }[] = [];

  constructor() {
    this.#filter.addEventListener("input", () => this.#pick());
  }

  /** Lists the settings, once for each hello: they don't change while an engine runs. */
  fill({ hello: { settings } }: LiveState): void {
    const rows = Object.entries(settings).sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => ({
      text: `${name} ${value}`.toLowerCase(),
      root: el("div", {}, el("dt", {}, name), el("dd", {}, value === "" ? "not set" : String(value))),
    }));
    this.#rows.splice(0, Infinity, ...rows);
    byId("settings").replaceChildren(...rows.map(({ root }) => root));
    setText(byId("settings-count"), count(rows.length));
    this.#pick();
  }

  #pick(): void {
    const word = this.#filter.value.trim().toLowerCase();
    for (const { text, root } of this.#rows) root.hidden = !text.includes(word);
    byId("settings-empty").hidden = this.#rows.some(({ root }) => !root.hidden);
  }
}
