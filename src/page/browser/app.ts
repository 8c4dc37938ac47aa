/** The live page: follows `/live` and draws each second once, unless the reader holds it or can't see it. */
import { clock } from "../figures/format.ts";
import { follow } from "../figures/live_connection.ts";
import { LiveState } from "../figures/live_state.ts";
import { ChartGrid } from "./chart_grid.ts";
import { byId, setText } from "./dom.ts";
import { Header } from "./header.ts";
import { Key } from "./key.ts";
import { metricsLink } from "./metrics_link.ts";
import { Pause } from "./pause.ts";
import { Playground } from "./playground.ts";
import { RequestTable } from "./request_table.ts";
import { SettingsPanel, WorkerPanel } from "./side_panels.ts";
import { Tiles } from "./tiles.ts";
import { WindowPanel } from "./window_panel.ts";

/** What shows the engine as it was told last. */
const told = [byId("live"), byId("health"), byId("worker-brief")];
const connection = byId("connection");
const key = new Key(() => connect());
const playground = new Playground(key);
const settings = new SettingsPanel();
const views = [
  new Header(),
  new Tiles(),
  new WindowPanel(),
  new ChartGrid(),
  new RequestTable(),
  new WorkerPanel(),
];
const pause = new Pause(draw);
metricsLink(key);
helpDialog();

let state: LiveState | undefined;
let stop = new AbortController();
/** Of the next drawing; 0: none is due. */
let frame = 0;

connect();
document.addEventListener("visibilitychange", draw);

function connect(): void {
  stop.abort();
  stop = new AbortController();
  void follow("/live", key.text, {
    hello(hello) {
      state = new LiveState(hello);
      settings.fill(state);
      playground.fill(state);
      fresh();
    },
    tick(tick) {
      state?.apply(tick);
      fresh();
    },
    lost: (why) => stale(`Connection lost, trying again (${why}).`),
    refused(refusal) {
      stale("The engine shows its figures only with a key.");
      key.ask(refusal);
      void playground.loadModels();
    },
  }, stop.signal);
}

function fresh(): void {
  connection.hidden = true;
  for (const each of told) each.classList.remove("stale");
  draw();
}

function stale(why: string): void {
  const last = state ? ` The figures are of ${clock(state.tick.now)}.` : "";
  setText(connection, why + last);
  connection.hidden = false;
  for (const each of told) each.classList.add("stale");
}

/** At the next frame; ticks that come together are drawn once. */
function draw(): void {
  if (!state || pause.on || document.hidden) return;
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    if (!state || pause.on) return;
    for (const view of views) view.draw(state);
  });
}

function helpDialog(): void {
  const dialog = byId<HTMLDialogElement>("help");
  byId("help-open").addEventListener("click", () => dialog.showModal());
}
