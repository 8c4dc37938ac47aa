import { messageOf, StartupError } from "../core/errors.ts";
import type { Millis } from "../core/types.ts";
import { readKeyText } from "./key_file.ts";

/** How long two changes of a file may bear one time of change; coarse file systems count in seconds. */
const MTIME_GRAIN_MS = 2000;

export interface FileEvents {
  /** The file has another text than before. */
  changed(text: string): void;
  /** It can't be read; told once for each reason. */
  failed(problem: string): void;
}

/**
 * Looks at a file again and again, also through symbolic links and at a new file under the old name. It looks rather
 * than asks the system to be told: watches of the system miss the swaps of links by which Kubernetes changes files.
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
   * The file's text now, which later ones are held against.
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

  /** From now on changes are told. Does not keep the process alive. */
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

  /** The stamp is taken first: a change while the file is read makes another, which the next look sees. */
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
