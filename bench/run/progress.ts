// @ts-types="@types/cli-progress"
import { Presets, SingleBar } from "cli-progress";
import { join } from "node:path";
import process from "node:process";
import { now } from "../../src/clock.ts";
import { printError, stderrTerminal } from "../../src/cli/output.ts";
import { TextProgress } from "../../src/supervisor/progress.ts";
import type { Millis } from "../../src/core/types.ts";
import { makeFolder } from "../record/recorder.ts";
import type { TurnLimits } from "../plan.ts";
import type { Sample } from "../record/sample.ts";

/** How far one turn of a cell is, for the person who waits. */
export interface TurnProgress {
  /** The warm-up is over; time counts from here. */
  start(): void;
  sample(sample: Sample): void;
}

/** Goes to stderr: a live bar in a terminal, else a plain line when the turn ends. */
export function showTurn(name: string, limits: TurnLimits): TurnProgress & Disposable {
  const totals = { done: 0, failed: 0, tokens: 0, latencyMs: 0 };
  let startedAt: Millis | undefined;
  let ended = false;
  const elapsedMs = () => startedAt === undefined ? 0 : now() - startedAt;
  const share = () => Math.min(1, Math.max(totals.done / limits.requests, elapsedMs() / limits.durationMs));
  const line = () => {
    if (startedAt === undefined) return ended ? "not measured" : "warming up";
    const { done, failed, tokens, latencyMs } = totals;
    const seconds = Math.max(elapsedMs(), 1) / 1000;
    const rates = `${(done / seconds).toFixed(1)} req/s, ${(tokens / seconds).toFixed(0)} tok/s`;
    const mean = done > failed ? `, mean ${(latencyMs / (done - failed)).toFixed(0)} ms` : "";
    return `${seconds.toFixed(0).padStart(3)} s  ${done} requests, ${failed} failed, ${rates}${mean}`;
  };
  const bar = process.stderr.isTTY ? new SingleBar(BAR, Presets.shades_classic) : undefined;
  bar?.start(1, 0, { name, line: line() });
  const timer = setInterval(() => bar?.update(share(), { line: line() }), REDRAW_EVERY_MS);
  return {
    start() {
      startedAt = now();
    },
    sample({ phase, outcome, outputTokens, intendedAt, endedAt }) {
      if (phase === "warmup" || outcome === "interrupted") return;
      totals.done++;
      if (outcome === "failed") totals.failed++;
      else {
        totals.tokens += outputTokens;
        totals.latencyMs += endedAt - intendedAt;
      }
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      ended = true;
      bar?.update(share(), { line: line() });
      bar?.stop();
      if (!bar) printError(`${name}  ${line()}`);
    },
  };
}

/** Tells how the set-up of the worker goes; what the worker itself writes goes to worker.log. */
export class SetupProgress extends TextProgress implements Disposable {
  readonly #log: Deno.FsFile;
  readonly #encoder = new TextEncoder();

  constructor(folder: string) {
    super(stderrTerminal, "");
    makeFolder(folder);
    this.#log = Deno.openSync(join(folder, "worker.log"), { write: true, create: true, truncate: true });
  }

  override workerLine(line: string): void {
    this.#log.writeSync(this.#encoder.encode(line + "\n"));
  }

  [Symbol.dispose](): void {
    this.#log.close();
  }
}

process.stderr.on("error", () => {}); // the bar's: a terminal that hung up ends no run
const BAR = { format: "{name} {bar} {line}", barsize: 24, stream: process.stderr, hideCursor: true };
const REDRAW_EVERY_MS = 250;
