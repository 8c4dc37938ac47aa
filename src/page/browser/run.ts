import {
  type ChatRequest,
  complete,
  type Completion,
  EMPTY,
  phasesOf,
  tokensPerSecond,
} from "../../live/chat.ts";
import { type EngineClient, EngineError } from "../../live/engine_client.ts";
import type { LiveMode } from "../../live/feed.ts";
import { count, decimal, millis, NOTHING } from "../../live/format.ts";
import { because } from "../../live/state.ts";
import { el, setText } from "./dom.ts";

const FIGURES = [["ttft", "TTFT"], ["rate", "Tokens/s"], ["e2e", "E2E"]] as const;

/** One answer as it comes, with its times by two clocks: the browser's and the engine's. */
export class Run {
  readonly #request: ChatRequest;
  readonly #modes: readonly LiveMode[];
  readonly #state = el("span", { class: "soft" }, "waits for the first token");
  readonly #answer = el("div", { class: "answer", tabindex: "0", role: "region", "aria-label": "Answer" });
  readonly #trouble = el("p", { class: "trouble" });
  readonly #cells = FIGURES.map(([name, title]) => ({
    name,
    title,
    browser: el("td", { "data-run": `${name}-browser` }, NOTHING),
    engine: el("td", { "data-run": `${name}-engine` }, NOTHING),
  }));
  readonly #ledger = el("div", { class: "ledger", role: "img" });
  readonly #legend = el("ul", { class: "legend ledger-legend" });
  readonly #note = el("p", { class: "note" });
  readonly root: HTMLElement;
  #completion: Completion = EMPTY;
  #frame = 0;

  constructor(request: ChatRequest, title: string, modes: readonly LiveMode[]) {
    this.#request = request;
    this.#modes = modes;
    this.#trouble.hidden = true;
    this.#ledger.hidden = true;
    this.root = el(
      "article",
      {
        class: "run",
        "data-mode": request.mode ?? "",
        "data-state": "running",
        "aria-label": `Answer by ${title}`,
      },
      el("header", {}, el("strong", {}, title), this.#state),
      this.#answer,
      this.#trouble,
      this.#table(),
      this.#ledger,
      this.#legend,
      this.#note,
    );
  }

  /** Runs until the answer's end, a failure, or the signal. Returns a failure, for the engine may want a key. */
  async start(engine: EngineClient, signal: AbortSignal): Promise<EngineError | undefined> {
    try {
      for await (const completion of complete(engine, this.#request, signal)) {
        this.#completion = completion;
        this.#frame ||= requestAnimationFrame(() => this.#draw("answers"));
      }
      this.#end("ended", `ended: ${this.#completion.finishReason ?? "no reason given"}`);
    } catch (error) {
      if (signal.aborted) this.#end("stopped", "stopped");
      else {
        this.#end("failed", "failed");
        this.#trouble.hidden = false;
        this.#answer.hidden = this.#completion.text === "";
        setText(this.#trouble, error instanceof Error ? error.message : String(error));
        return error instanceof EngineError ? error : undefined;
      }
    }
    return undefined;
  }

  #end(state: string, text: string): void {
    cancelAnimationFrame(this.#frame);
    this.#draw(text);
    this.root.dataset["state"] = state;
  }

  #draw(state: string): void {
    this.#frame = 0;
    const { text, ttftMs, e2eMs, usage, engine } = this.#completion;
    const tokens = usage
      ? `, ${count(usage.prompt_tokens)} tokens in, ${count(usage.completion_tokens)} out`
      : "";
    setText(this.#state, `${state}${tokens}`);
    const atEnd = this.#answer.scrollTop + this.#answer.clientHeight >= this.#answer.scrollHeight - 4;
    setText(this.#answer, text);
    if (atEnd) this.#answer.scrollTop = this.#answer.scrollHeight;
    const figures = {
      ttft: [millis(ttftMs ?? null), millis(engine?.ttft_ms ?? null)],
      rate: [
        decimal(tokensPerSecond(this.#completion)),
        engine && engine.tpot_ms > 0 ? decimal(1000 / engine.tpot_ms) : NOTHING,
      ],
      e2e: [millis(text === "" ? null : e2eMs), millis(engine?.e2e_ms ?? null)],
    } as const;
    for (const { name, browser, engine } of this.#cells) {
      setText(browser, figures[name][0]);
      setText(engine, figures[name][1]);
    }
    if (engine) this.#drawLedger();
  }

  #drawLedger(): void {
    const { engine } = this.#completion;
    if (!engine) return;
    const phases = phasesOf(engine);
    this.#ledger.hidden = phases.length === 0;
    this.#ledger.setAttribute("aria-label", phases.map(({ name, ms }) => `${name} ${millis(ms)}`).join(", "));
    this.#ledger.replaceChildren(...phases.map(({ name, share }) => {
      const bar = el("span", { "data-part": name });
      bar.style.width = `${share * 100}%`;
      return bar;
    }));
    this.#legend.replaceChildren(
      ...phases.map(({ name, ms }) =>
        el("li", {}, el("span", { class: "swatch", "data-part": name }), `${name} ${millis(ms)}`)
      ),
    );
    const { dispatch, mode } = engine;
    const attempts = dispatch?.attempts ?? 1;
    const again = attempts > 1 ? `, sent ${attempts} times` : "";
    setText(
      this.#note,
      dispatch
        ? `${mode}: left in batch ${dispatch.id} with ${count(dispatch.size)} in it, because ${
          because(this.#modes, mode, dispatch.reason)
        }${again}.`
        : `${mode}: it never left for a worker.`,
    );
  }

  #table(): HTMLTableElement {
    const head = ["", "browser", "engine"].map((text) => el("th", { scope: "col", class: "figure" }, text));
    return el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...head)),
      el(
        "tbody",
        {},
        ...this.#cells.map(({ title, browser, engine }) =>
          el("tr", {}, el("th", { scope: "row" }, title), browser, engine)
        ),
      ),
    );
  }
}
