import { messageOf, StartupError } from "../core/errors.ts";
import type { Millis } from "../core/types.ts";
import { readKeyText } from "./key_file.ts";

/** Two changes within this time may leave the same mtime; coarse file systems count in seconds. */
const MTIME_GRAIN_MS = 2000;

export interface FileEvents {
  /** The text of the file has changed. */
  changed(text: string): void;
  /** The file can't be read. Called once for each reason, not at each look. */
  failed(problem: string): void;
}

/**
 * Polls a file, also through symbolic links and when a new file takes the old name. Watches of the operating system
 * would miss the swaps of links by which Kubernetes changes files.
 */
export class FileWatch implements AsyncDisposable, Disposable {
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking: Promise<void> | undefined;
  #stamp: string | undefined;
  #text = "";
  #problem = "";

  constructor(
    private readonly path: string,
    private readonly everyMs: Millis,
    private readonly events: FileEvents,
  ) {}

  /**
   * Reads the text of the file, which later looks compare with.
   * @throws {StartupError} when the file can't be read
   */
  async read(): Promise<string> {
    try {
      await this.#read();
    } catch (thrown) {
      throw new StartupError([problemOf(this.path, thrown)], { cause: thrown });
    }
    return this.#text;
  }

  /** Begins to poll. The timer does not keep the process alive. */
  start(): void {
    const timer = this.#timer = setInterval(() => void (this.#looking ??= this.#look()), this.everyMs);
    Deno.unrefTimer(timer);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Also waits for the look that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const before = this.#text;
    try {
      await this.#read();
      this.#problem = "";
    } catch (thrown) {
      this.#stamp = undefined;
      this.#fail(problemOf(this.path, thrown));
    } finally {
      this.#looking = undefined;
    }
    if (this.#timer !== undefined && this.#text !== before) this.events.changed(this.#text);
  }

  /** Takes the stamp before it reads: a change during the read gives another stamp, which the next look sees. */
  async #read(): Promise<void> {
    const { mtime, size, ino, dev } = await Deno.stat(this.path);
    const stamp = `${mtime?.getTime()} ${size} ${ino} ${dev}`;
    if (stamp === this.#stamp) return;
    this.#text = await readKeyText(this.path);
    const mayChangeUnseen = Date.now() - (mtime?.getTime() ?? Infinity) < MTIME_GRAIN_MS;
    this.#stamp = mayChangeUnseen ? undefined : stamp;
  }

  #fail(problem: string): void {
    if (problem === this.#problem || this.#timer === undefined) return;
    this.#problem = problem;
    this.events.failed(problem);
  }
}

function problemOf(path: string, thrown: unknown): string {
  if (thrown instanceof Deno.errors.NotFound) return `${path} (API_KEYS_FILE) is not there`;
  return `${path} (API_KEYS_FILE) can't be read: ${messageOf(thrown)}`;
}
