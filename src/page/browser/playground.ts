import type { ChatRequest } from "../figures/chat.ts";
import type { LiveState } from "../figures/live_state.ts";
import { keyHeader, Refusal, refusalOf } from "../figures/refusal.ts";
import { byId, el, setText } from "./dom.ts";
import type { Key } from "./key.ts";
import { Run } from "./run.ts";

/** Asks the model through the engine; two modes may answer the same prompt at the same time. */
export class Playground {
  readonly #key: Key;
  readonly #form = byId<HTMLFormElement>("ask");
  readonly #mode = byId<HTMLSelectElement>("ask-mode");
  readonly #other = byId<HTMLSelectElement>("ask-other");
  readonly #compare = byId<HTMLInputElement>("ask-compare");
  readonly #runButton = byId<HTMLButtonElement>("ask-run");
  readonly #stopButton = byId<HTMLButtonElement>("ask-stop");
  #stop = new AbortController();
  #own = "";

  constructor(key: Key) {
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

  /** Once for each hello. */
  fill({ hello }: LiveState): void {
    this.#own = String(hello.settings["ENGINE_MODE"] ?? "");
    this.#fillModes(hello.modeHints ? hello.modes : [], this.#own);
    void this.loadModels();
  }

  async loadModels(): Promise<void> {
    const select = byId<HTMLSelectElement>("ask-model");
    try {
      const response = await fetch("/v1/models", { headers: keyHeader(this.#key.text) });
      if (!response.ok) throw await refusalOf(response);
      const { data }: { data: readonly { id: string }[] } = await response.json();
      const chosen = select.value;
      select.replaceChildren(...data.map(({ id }) => el("option", { value: id }, id)));
      if (data.some(({ id }) => id === chosen)) select.value = chosen;
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) return;
      this.#hint(`The models can't be listed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #fillModes(modes: readonly string[], own: string): void {
    const options = (first: string) => [
      el("option", { value: "" }, first),
      ...modes.map((mode) => el("option", { value: mode }, mode)),
    ];
    const ours = own === "" ? "the engine's own" : `the engine's own: ${own}`;
    for (const select of [this.#mode, this.#other]) {
      const chosen = select.value;
      select.replaceChildren(...options(ours));
      select.value = modes.includes(chosen) ? chosen : "";
    }
    if (this.#other.value === "") this.#other.value = modes.find((mode) => mode !== own) ?? "";
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
      .map((mode) => new Run(this.#request(mode), mode || this.#own || "the engine's own mode"));
    byId("runs").replaceChildren(...runs.map(({ root }) => root));
    this.#running(true);
    const ends = await Promise.all(runs.map((run) => run.start(this.#key.text, signal)));
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
      user: byId<HTMLTextAreaElement>("ask-user").value,
      maxTokens: number("ask-max-tokens"),
      temperature: number("ask-temperature"),
      seed: Number.isNaN(seed) ? undefined : seed,
    };
  }

  #hint(text: string): void {
    const hint = byId("ask-hint");
    setText(hint, text);
    hint.hidden = text === "";
  }
}
