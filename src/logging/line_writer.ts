/** Writing for readers that may stop to read. */
import { Buffer } from "node:buffer";
import { within } from "../clock.ts";

/** A write of at most this many bytes is not mixed up with another thread's, whichever system's pipe it goes into. */
const ATOMIC_BYTES = 4096;
/** Characters that may wait for a reader. */
const MOST_WAITING = 2 ** 20;
/** The pause after a write that failed, as on a full disk or a pipe that nobody holds any more. */
const FAILED_MS = 1000;
/** The pause after a write to a full pipe that another program has set to non-blocking. */
const FULL_MS = 20;

interface Stream {
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Writes lines without ever making their writer wait: lines that the reader does not take are held here. Beyond a limit,
 * lines are dropped and counted until all that is held has been written; then the count is written in their place.
 */
export class LineWriter {
  #waiting: string[] = [];
  #characters = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  readonly #encoder = new TextEncoder();

  /** The line that stands for dropped ones. */
  describeDropped = (count: number): string => `${count} lines were dropped here: nobody read them\n`;

  constructor(private readonly stream: Stream, private readonly mostWaiting = MOST_WAITING) {}

  /** Takes whole lines, with their ends. */
  write(text: string): void {
    if (this.#dropped > 0 || this.#characters + text.length > this.mostWaiting) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(text);
    this.#characters += text.length;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when all has been written, or when the time is over. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#writing) await within(timeoutMs, this.#writing);
  }

  async #writeAll(): Promise<void> {
    await undefined; // lines that this turn of the event loop still brings are written together
    while (this.#waiting.length > 0 || this.#dropped > 0) {
      const { text, lines } = this.#waiting.length > 0 ? this.#nextPiece() : this.#countOfDropped();
      if (await this.#writePiece(text)) continue;
      this.#dropped += lines;
      await pause(FAILED_MS);
    }
    this.#writing = undefined;
  }

  /** The line that counts the dropped ones. It ends the dropping: later lines come after it. */
  #countOfDropped(): { text: string; lines: number } {
    const lines = this.#dropped;
    this.#dropped = 0;
    return { text: this.describeDropped(lines), lines };
  }

  /** As many lines as one write takes, at least one. */
  #nextPiece(): { text: string; lines: number } {
    let bytes = 0;
    let lines = 0;
    for (const line of this.#waiting) {
      bytes += Buffer.byteLength(line);
      if (lines > 0 && bytes > ATOMIC_BYTES) break;
      lines++;
    }
    const text = this.#waiting.splice(0, lines).join("");
    this.#characters -= text.length;
    return { text, lines };
  }

  /** Writes all of the text; false when it can't be written. */
  async #writePiece(text: string): Promise<boolean> {
    let bytes = this.#encoder.encode(text);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(await this.stream.write(bytes));
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.WouldBlock)) return false;
        await pause(FULL_MS);
      }
    }
    return true;
  }
}

/** A pause that does not keep the process alive. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, ms)));
}

/** The writer of this thread to the stderr of the process. */
export const stderrLines = new LineWriter(Deno.stderr);
/** The writer of this thread to the stdout of the process. */
export const stdoutLines = new LineWriter(Deno.stdout);
