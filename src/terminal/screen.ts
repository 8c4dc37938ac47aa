import { writeIfRead } from "../cli/output.ts";
import type { Size } from "./top_view.ts";

const ESC = "\x1b[";
/** The alternate screen, without a cursor and without wrapping, so that a line that is too long stays one. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l${ESC}2J`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
/** The terminal shows what stands between these at once. */
const BEGIN = `${ESC}?2026h${ESC}H`;
const END = `${ESC}?2026l`;

/** A terminal of one's own, given back as it was when disposed; it may hang up. stdout must be a terminal. */
export class Screen implements Disposable {
  readonly #raw = Deno.stdin.isTerminal();
  #open = true;
  #size: Size = { columns: 80, rows: 24 };

  /** `onResize` is called when the terminal has another size. */
  constructor(private readonly onResize: () => void) {
    if (this.#raw) Deno.stdin.setRaw(true);
    writeIfRead(ENTER);
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGWINCH", this.onResize);
  }

  get size(): Size {
    try {
      this.#size = Deno.consoleSize();
    } catch {
      // The terminal has gone, which the next picture finds.
    }
    return this.#size;
  }

  /** Lines that fit its size; false when the terminal has gone. Each is cleared before it is written: after it the cursor may stand on its last letter. */
  paint(lines: readonly string[]): boolean {
    if (!this.#open) return true;
    const rest = lines.length < this.size.rows ? `\r\n${ESC}J` : "";
    return writeIfRead(BEGIN + lines.map((line) => `${ESC}K${line}`).join("\r\n") + rest + END);
  }

  /** What is typed, as it comes; none when stdin is no terminal. */
  async *keys(): AsyncGenerator<string> {
    if (!this.#raw) return;
    const decoder = new TextDecoder();
    try {
      for await (const bytes of Deno.stdin.readable) yield* decoder.decode(bytes, { stream: true });
    } catch {
      // The terminal has gone.
    }
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGWINCH", this.onResize);
    if (!writeIfRead(LEAVE)) return;
    if (this.#raw) Deno.stdin.setRaw(false);
  }
}
