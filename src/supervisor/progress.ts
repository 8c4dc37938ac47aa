import { getLogger } from "@logtape/logtape";

/** How the set-up of a worker reports its progress, to a person or to a program. */
export interface Progress {
  /** Reports that `work` began, that it goes on while it takes long, and how long it took. */
  step<T>(what: string, work: (report: (line: string) => void) => Promise<T>): Promise<T>;
  note(text: string): void;
  /** A line that the worker wrote. */
  workerLine(line: string): void;
}

export interface Terminal {
  write(text: string): void;
  /** Whether lines can be overwritten. */
  readonly interactive: boolean;
  /** The width in characters. */
  columns(): number;
}

const ALIVE_MS = 10_000;
const ALIVE_INTERACTIVE_MS = 1000;
const LONGEST_DETAIL = 100;

/** Progress for people: a line for each step, and one that counts the seconds while a step runs. */
export class TextProgress implements Progress {
  #status = "";

  /** `who` begins each line. */
  constructor(private readonly terminal: Terminal, private readonly who = "serve: ") {}

  async step<T>(what: string, work: (report: (line: string) => void) => Promise<T>): Promise<T> {
    const started = performance.now();
    let last = "";
    this.note(what);
    const { interactive } = this.terminal;
    const timer = setInterval(
      () => this.#alive(`  ${seconds(started, 0)}  ${last}`.trimEnd()),
      interactive ? ALIVE_INTERACTIVE_MS : ALIVE_MS,
    );
    try {
      const result = await work((line) => last = line.slice(0, LONGEST_DETAIL));
      this.note(`  done in ${seconds(started, 1)}`);
      return result;
    } finally {
      clearInterval(timer);
      this.#setStatus("");
    }
  }

  note(text: string): void {
    this.#line(this.who + text);
  }

  workerLine(line: string): void {
    this.#line(line.startsWith("worker: ") ? line : `worker: ${line}`);
  }

  #alive(text: string): void {
    if (this.terminal.interactive) this.#setStatus(text);
    else this.note(text);
  }

  #line(text: string): void {
    const status = this.#status;
    this.#setStatus("");
    this.terminal.write(text + "\n");
    this.#setStatus(status);
  }

  #setStatus(text: string): void {
    const fitting = text.slice(0, Math.max(0, this.terminal.columns() - 1));
    if (this.#status !== "" || fitting !== "") this.terminal.write(`\r\x1b[K${fitting}`);
    this.#status = fitting;
  }
}

/** Progress for programs: log records. */
export class LogProgress implements Progress {
  readonly #log = getLogger(["omnispan", "serve"]);
  readonly #workerLog = getLogger(["omnispan", "worker"]);

  async step<T>(what: string, work: (report: (line: string) => void) => Promise<T>): Promise<T> {
    const started = performance.now();
    const elapsedMs = () => Math.round(performance.now() - started);
    let last = "";
    this.#log.info("{what}", { what });
    const timer = setInterval(
      () => this.#log.info("{what}: {elapsedMs} ms so far: {last}", { what, elapsedMs: elapsedMs(), last }),
      ALIVE_MS,
    );
    try {
      const result = await work((line) => last = line);
      this.#log.info("{what}: done in {elapsedMs} ms", { what, elapsedMs: elapsedMs() });
      return result;
    } finally {
      clearInterval(timer);
    }
  }

  note(text: string): void {
    this.#log.info("{text}", { text });
  }

  workerLine(line: string): void {
    this.#workerLog.info("{line}", { line });
  }
}

function seconds(since: number, digits: number): string {
  return `${((performance.now() - since) / 1000).toFixed(digits)} s`;
}
