import { clock } from "../../live/format.ts";
import { byId, setText } from "./dom.ts";

/** Elements in which the Space key has a use of its own. */
const FIELDS = "input, textarea, select, button, a, summary, dialog, [contenteditable]";

/** The button that holds the figures, and the Space key outside of fields. */
export class Pause {
  readonly #button = byId<HTMLButtonElement>("pause");
  readonly #goesOn: () => void;
  #on = false;

  constructor(goesOn: () => void) {
    this.#goesOn = goesOn;
    this.#button.addEventListener("click", () => this.#toggle());
    document.addEventListener("keydown", (event) => {
      const inField = event.target instanceof Element && event.target.closest(FIELDS) !== null;
      if (event.key !== " " || event.repeat || inField || event.ctrlKey || event.altKey || event.metaKey) {
        return;
      }
      event.preventDefault();
      this.#toggle();
    });
  }

  get on(): boolean {
    return this.#on;
  }

  #toggle(): void {
    this.#on = !this.#on;
    this.#button.setAttribute("aria-pressed", String(this.#on));
    setText(this.#button, this.#on ? "Go on" : "Pause");
    const held = byId("held");
    held.hidden = !this.#on;
    setText(held, `held at ${clock(Date.now())}`);
    if (!this.#on) this.#goesOn();
  }
}
