import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createGzip } from "node:zlib";
import { StartupError } from "../../src/errors.ts";
import type { Millis } from "../../src/types.ts";
import type { RunEnvironment } from "./environment.ts";
import type { Sample } from "./sample.ts";

const ENVIRONMENT = "environment.json";
const SAMPLES = "samples.ndjson.gz";
/** As long as the run goes: a crash leaves whole lines, and nothing is compressed while something is measured. */
const GROWING = "samples.ndjson";
const WRITE_BYTES = 64 * 1024;
const WRITE_EVERY_MS: Millis = 1000;

/** What a run is: where and how it was made, and each request of it. Every figure is computed from these later. */
export interface Recording {
  readonly environment: RunEnvironment;
  readonly samples: readonly Sample[];
}

/** Writes a run's folder as the run goes, so that a run that ends early has left what it measured. */
export class Recorder implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #lines = "";
  #writtenAt: Millis = 0;

  constructor(readonly folder: string, environment: RunEnvironment) {
    Deno.mkdirSync(folder, { recursive: true });
    this.describe(environment);
    this.#file = Deno.openSync(join(folder, GROWING), { write: true, create: true, truncate: true });
  }

  /** Writes the environment, again where more of it is known than at the start; a crash leaves the old or the new one. */
  describe(environment: RunEnvironment): void {
    const path = join(this.folder, ENVIRONMENT);
    Deno.writeTextFileSync(`${path}.new`, JSON.stringify(environment, null, 2) + "\n");
    Deno.renameSync(`${path}.new`, path);
  }

  sample(sample: Sample): void {
    this.#lines += JSON.stringify(inMicroseconds(sample)) + "\n";
    const due = sample.endedAt - this.#writtenAt >= WRITE_EVERY_MS;
    if (!due && this.#lines.length < WRITE_BYTES) return;
    this.#writtenAt = sample.endedAt;
    this.flush();
  }

  /** Puts what was recorded into the file. */
  flush(): void {
    let bytes = this.#encoder.encode(this.#lines);
    this.#lines = "";
    while (bytes.length > 0) bytes = bytes.subarray(this.#file.writeSync(bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.flush();
    this.#file.close();
    const growing = join(this.folder, GROWING);
    await pipeline(createReadStream(growing), createGzip(), createWriteStream(join(this.folder, SAMPLES)));
    await Deno.remove(growing);
  }
}

export function hasRecording(folder: string): boolean {
  return existsSync(join(folder, ENVIRONMENT)) && samplesOf(folder) !== undefined;
}

/**
 * Reads a run's folder again. A last line that was cut by a crash is left out.
 * @throws {StartupError} when the folder holds no run.
 */
export async function readRecording(folder: string): Promise<Recording> {
  const path = samplesOf(folder);
  if (path === undefined || !existsSync(join(folder, ENVIRONMENT))) {
    throw new StartupError([
      `report must be given a folder with ${ENVIRONMENT} and ${SAMPLES}, got "${folder}"`,
    ]);
  }
  const environment = await readEnvironment(join(folder, ENVIRONMENT));
  const samples: Sample[] = [];
  let cut: { line: string; cause: unknown } | undefined;
  let broken: typeof cut;
  for await (const line of linesOf(path)) {
    broken ??= cut; // told once the file is closed: to leave a stream in its middle leaves a read under way
    if (broken) continue;
    try {
      samples.push(JSON.parse(line));
    } catch (cause) {
      cut = { line, cause };
    }
  }
  if (broken) {
    throw new StartupError([`${path} has a line that is no JSON: ${broken.line.slice(0, 80)}`], broken);
  }
  return { environment, samples };
}

async function readEnvironment(path: string): Promise<RunEnvironment> {
  const text = await Deno.readTextFile(path);
  let environment;
  try {
    environment = JSON.parse(text);
  } catch (cause) {
    throw new StartupError([`${path} must be JSON, got ${JSON.stringify(text.slice(0, 80))}`], { cause });
  }
  if (environment?.plan !== undefined) return environment;
  throw new StartupError([`${path} has no plan: it is of an older bench, whose runs can't be read`]);
}

/** While both are there the compressed one is not complete. */
function samplesOf(folder: string): string | undefined {
  return [GROWING, SAMPLES].map((name) => join(folder, name)).find((path) => existsSync(path));
}

function linesOf(path: string): AsyncIterable<string> {
  const file = createReadStream(path);
  if (path.endsWith(GROWING)) return createInterface({ input: file });
  // Z_SYNC_FLUSH: a file that was cut gives what is there instead of an error.
  return createInterface({ input: file.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })) });
}

/** The clocks are no finer, and the digits beyond would be most of the file. */
function inMicroseconds(sample: Sample): Sample {
  return {
    ...sample,
    intendedAt: microseconds(sample.intendedAt),
    sentAt: microseconds(sample.sentAt),
    endedAt: microseconds(sample.endedAt),
    firstTextMs: sample.firstTextMs === null ? null : microseconds(sample.firstTextMs),
    arrivals: sample.arrivals?.map(([atMs, tokens]) => [microseconds(atMs), tokens] as const) ?? null,
  };
}

function microseconds(ms: Millis): Millis {
  return Math.round(ms * 1000) / 1000;
}
