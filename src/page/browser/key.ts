import type { EngineError } from "../../live/engine_client.ts";
import { byId, setText } from "./dom.ts";

const PLACE = "omnispan-key";

/** The API key of this tab. It is asked for only when the engine wants one, and is sent only in a header. */
export class Key {
  readonly #form = byId<HTMLFormElement>("key");
  readonly #field = byId<HTMLInputElement>("key-text");
  #text = sessionStorage.getItem(PLACE) ?? "";

  constructor(given: () => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#text = this.#field.value.trim();
      sessionStorage.setItem(PLACE, this.#text);
      this.#field.value = "";
      this.#form.hidden = true;
      given();
    });
  }

  /** The key; empty when none was given. */
  get text(): string {
    return this.#text;
  }

  ask({ message }: EngineError): void {
    setText(byId("key-why"), message);
    const first = this.#form.hidden;
    this.#form.hidden = false;
    if (first && document.activeElement === document.body) this.#field.focus();
  }
}
