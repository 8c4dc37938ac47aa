import { duration } from "../../live/format.ts";
import { type LiveState, ownMode } from "../../live/state.ts";
import { byId, setAttribute, setFigure, setText } from "./dom.ts";

const STATES = { ok: "Healthy", degraded: "Degraded", down: "Down", draining: "Draining" } as const;

/** The bar at the top. Only a change of the health's state is read out, for its sentence may change each second. */
export class Header {
  readonly #health = byId("health");
  readonly #state = byId("health-state");
  readonly #why = byId("health-why");
  readonly #news = byId("health-news");
  readonly #mode = byId("mode");
  readonly #uptime = byId("uptime");

  draw({ hello, tick: { health, now } }: LiveState): void {
    const { summary = "", shape = "" } = ownMode(hello) ?? {};
    setText(this.#mode, hello.mode);
    setAttribute(this.#mode, "title", `The engine's mode: requests go ${summary}${shape && ` (${shape})`}`);
    if (this.#health.dataset["state"] !== health.state) {
      this.#health.dataset["state"] = health.state;
      setText(this.#news, `${STATES[health.state]}: ${health.why}`);
      document.title = health.state === "ok" ? "Omnispan" : `${STATES[health.state]} - Omnispan`;
    }
    setFigure(this.#state, STATES[health.state], health.state);
    setText(this.#why, health.why);
    setAttribute(this.#why, "title", health.why);
    setText(this.#uptime, duration(now - hello.startedAt));
  }
}
