// @ts-types="@types/cli-progress"
import { Presets, SingleBar } from "cli-progress";
import { join } from "node:path";
import process from "node:process";
import { now } from "../src/clock.ts";
import { stderrTerminal } from "../src/serve/output.ts";
import { TextProgress } from "../src/supervisor/progress.ts";
import type { Millis } from "../src/types.ts";
import type { Level, Sample } from "./sample.ts";

/** How far one level is, for the person who waits. */
export interface LevelProgress extends Disposable {
  /** The warm-up is over; time counts from here. */
  start(): void;
  sample(sample: Sample): void;
}

/** Goes to stderr: a live bar in a terminal, else a plain line when the level ends. */
export function showLevel(level: Level, limits: { requests: number; durationMs: Millis }): LevelProgress {
  const { mode, concurrency } = level;
  const name = `${mode.padEnd(11)} ${String(concurrency).padStart(4)} client${concurrency === 1 ? " " : "s"}`;
  const totals = { done: 0, failed: 0, tokens: 0 };
  let startedAt: Millis | undefined;
  const elapsedMs = () => startedAt === undefined ? 0 : now() - startedAt;
  const share = () => Math.min(1, Math.max(totals.done / limits.requests, elapsedMs() / limits.durationMs));
  const line = () => {
    if (startedAt === undefined) return "warming up";
    const seconds = Math.max(elapsedMs(), 1) / 1000;
    const counts = `${totals.done} requests, ${totals.failed} failed`;
    return `${seconds.toFixed(0).padStart(3)} s  ${counts}, ${(totals.tokens / seconds).toFixed(0)} tok/s`;
  };
  const bar = process.stderr.isTTY ? new SingleBar(BAR, Presets.shades_classic) : undefined;
  bar?.start(1, 0, { name, line: line() });
  const timer = setInterval(() => bar?.update(share(), { line: line() }), REDRAW_EVERY_MS);
  return {
    start() {
      startedAt = now();
    },
    sample({ phase, outcome, outputTokens }) {
      if (phase === "warmup" || outcome === "interrupted") return;
      totals.done++;
      if (outcome === "failed") totals.failed++;
      if (outcome === "ok") totals.tokens += outputTokens;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      bar?.update(share(), { line: line() });
      bar?.stop();
      if (!bar) tell(`${name}  ${line()}`);
    },
  };
}

/** Tells how the set-up of the worker goes; what the worker itself writes goes to worker.log. */
export class SetupProgress extends TextProgress implements Disposable {
  readonly #log: Deno.FsFile;
  readonly #encoder = new TextEncoder();

  constructor(folder: string) {
    super(stderrTerminal, "");
    Deno.mkdirSync(folder, { recursive: true });
    this.#log = Deno.openSync(join(folder, "worker.log"), { write: true, create: true, truncate: true });
  }

  override workerLine(line: string): void {
    this.#log.writeSync(this.#encoder.encode(line + "\n"));
  }

  [Symbol.dispose](): void {
    this.#log.close();
  }
}

/** A line for the person who waits. */
export function tell(line: string): void {
  process.stderr.write(line + "\n");
}

const BAR = { format: "{name} {bar} {line}", barsize: 24, stream: process.stderr, hideCursor: true };
const REDRAW_EVERY_MS = 250;
