import { type ChatRequest, listModels } from "../../live/chat.ts";
import { type EngineClient, EngineError } from "../../live/engine_client.ts";
import type { LiveMode } from "../../live/feed.ts";
import type { LiveState } from "../../live/state.ts";
import { byId, el, setText } from "./dom.ts";
import type { Key } from "./key.ts";
import { Run } from "./run.ts";

/** Asks the model through the engine; two modes may answer the same prompt at the same time. */
export class Playground {
  readonly #engine: EngineClient;
  readonly #key: Key;
  readonly #form = byId<HTMLFormElement>("ask");
  readonly #mode = byId<HTMLSelectElement>("ask-mode");
  readonly #other = byId<HTMLSelectElement>("ask-other");
  readonly #compare = byId<HTMLInputElement>("ask-compare");
  readonly #runButton = byId<HTMLButtonElement>("ask-run");
  readonly #stopButton = byId<HTMLButtonElement>("ask-stop");
  #stop = new AbortController();
  #own = "";
  #modes: readonly LiveMode[] = [];

  constructor(engine: EngineClient, key: Key) {
    this.#engine = engine;
    this.#key = key;
    this.#compare.addEventListener("change", () => this.#showOther());
    this.#stopButton.addEventListener("click", () => this.#stop.abort());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#ask();
    });
    byId("ask-user").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    });
    this.#fillModes([], "");
  }

  /** Takes the modes and loads the models, once for each hello. */
  fill({ hello }: LiveState): void {
    this.#own = hello.mode;
    this.#modes = hello.modes;
    this.#fillModes(hello.modeHints ? hello.modes : [], this.#own);
    void this.loadModels();
  }

  async loadModels(): Promise<void> {
    const select = byId<HTMLSelectElement>("ask-model");
    try {
      const models = await listModels(this.#engine);
      const chosen = select.value;
      select.replaceChildren(...models.map((id) => el("option", { value: id }, id)));
      if (models.includes(chosen)) select.value = chosen;
    } catch (error) {
      if (error instanceof EngineError && error.status === 401) return;
      this.#hint(`The models can't be listed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #fillModes(modes: readonly LiveMode[], own: string): void {
    const names = modes.map(({ name }) => name);
    const options = (first: string) => [
      el("option", { value: "" }, first),
      ...modes.map(({ name, summary }) => el("option", { value: name }, `${name}: ${summary}`)),
    ];
    const ours = own === "" ? "the engine's own" : `the engine's own: ${own}`;
    for (const select of [this.#mode, this.#other]) {
      const chosen = select.value;
      select.replaceChildren(...options(ours));
      select.value = names.includes(chosen) ? chosen : "";
    }
    if (this.#other.value === "") this.#other.value = names.find((name) => name !== own) ?? "";
    this.#compare.disabled = modes.length === 0;
    if (modes.length === 0) this.#compare.checked = false;
    this.#showOther();
    if (own !== "" && modes.length === 0) this.#hint("Requests can't choose their mode: MODE_HINTS is off.");
    else this.#hint("");
  }

  #showOther(): void {
    byId("ask-other-label").hidden = !this.#compare.checked;
  }

  async #ask(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const runs = (this.#compare.checked ? [this.#mode.value, this.#other.value] : [this.#mode.value])
      .map((mode) => new Run(this.#request(mode), mode || this.#own || "the engine's own mode", this.#modes));
    byId("runs").replaceChildren(...runs.map(({ root }) => root));
    this.#running(true);
    const ends = await Promise.all(runs.map((run) => run.start(this.#engine, signal)));
    if (signal === this.#stop.signal) this.#running(false);
    const refusal = ends.find((end) => end?.status === 401);
    if (refusal) this.#key.ask(refusal);
  }

  #running(on: boolean): void {
    this.#runButton.disabled = on;
    const hadFocus = document.activeElement === this.#stopButton;
    this.#stopButton.disabled = !on;
    if (!on && hadFocus) this.#runButton.focus();
  }

  #request(mode: string): ChatRequest {
    const number = (id: string) => byId<HTMLInputElement>(id).valueAsNumber;
    const seed = number("ask-seed");
    return {
      mode,
      model: byId<HTMLSelectElement>("ask-model").value,
      system: byId<HTMLTextAreaElement>("ask-system").value.trim(),
      prompt: byId<HTMLTextAreaElement>("ask-user").value,
      sampling: {
        max_tokens: number("ask-max-tokens"),
        temperature: number("ask-temperature"),
        ...(!Number.isNaN(seed) && { seed }),
      },
    };
  }

  #hint(text: string): void {
    const hint = byId("ask-hint");
    setText(hint, text);
    hint.hidden = text === "";
  }
}
