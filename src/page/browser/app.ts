/** The live page: follows `/live` and draws each second once, unless the reader holds it or can't see it. */
import { EngineClient, EngineError } from "../../live/engine_client.ts";
import { followLive } from "../../live/follow.ts";
import { clock } from "../../live/format.ts";
import { after, type LiveState } from "../../live/state.ts";
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

/** The parts that show the engine's last known state. */
const figures = [byId("live"), byId("health"), byId("worker-brief")];
const connection = byId("connection");
const key = new Key(() => void connect());
const engine = new EngineClient({ url: location.origin, apiKey: () => key.text });
const playground = new Playground(engine, key);
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
metricsLink(engine, key);
helpDialog();

let state: LiveState | undefined;
let stop = new AbortController();
/** The id of the animation frame that draws next; 0 while none is due. */
let frame = 0;

void connect();
document.addEventListener("visibilitychange", draw);

/** Follows the engine with the key of now, until it is called anew or the engine wants another key. */
async function connect(): Promise<void> {
  stop.abort();
  stop = new AbortController();
  const { signal } = stop;
  try {
    for await (const event of followLive(engine, signal, { mayPass: needsNoKey })) {
      state = after(state, event, Date.now());
      if (state && event.kind === "hello") {
        settings.fill(state);
        playground.fill(state);
      }
      if (event.kind === "lost") stale(`Connection lost, trying again (${event.why}).`);
      else fresh();
    }
  } catch (thrown) {
    if (signal.aborted) return;
    if (!(thrown instanceof EngineError)) throw thrown;
    stale("The engine shows its figures only with a key.");
    key.ask(thrown);
    void playground.loadModels();
  }
}

function needsNoKey({ status }: EngineError): boolean {
  return status !== 401 && status !== 403;
}

function fresh(): void {
  connection.hidden = true;
  for (const each of figures) each.classList.remove("stale");
  draw();
}

function stale(why: string): void {
  const last = state ? ` The figures are of ${clock(state.tick.now)}.` : "";
  setText(connection, why + last);
  connection.hidden = false;
  for (const each of figures) each.classList.add("stale");
}

/** Draws at the next frame; ticks that come together are drawn once. */
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
