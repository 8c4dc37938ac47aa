import { createReadStream, createWriteStream, existsSync, type ReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createGzip } from "node:zlib";
import { messageOf, StartupError } from "../../src/core/errors.ts";
import type { Millis } from "../../src/core/types.ts";
import { counted } from "../words.ts";
import type { RunEnvironment } from "./environment.ts";
import type { Sample } from "./sample.ts";

const ENVIRONMENT = "environment.json";
const SAMPLES = "samples.ndjson.gz";
/** The file while the run goes on: a crash leaves whole lines, and nothing is compressed while something is measured. */
const GROWING = "samples.ndjson";
const WRITE_BYTES = 64 * 1024;
const WRITE_EVERY_MS: Millis = 1000;

/** What a run is: where and how it was made, and each request of it. Every figure is computed from these later. */
export interface Recording {
  readonly environment: RunEnvironment;
  readonly samples: readonly Sample[];
  /** Why the file may lack samples that were made, as a line for people. */
  readonly cut?: string;
}

/** Writes a run's folder as the run goes, so that a run that ends early has left what it measured. */
export class Recorder implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #lines = "";
  #writtenAt: Millis = 0;

  constructor(readonly folder: string, private known: RunEnvironment) {
    makeFolder(folder);
    this.describe({});
    this.#file = Deno.openSync(join(folder, GROWING), { write: true, create: true, truncate: true });
  }

  get environment(): RunEnvironment {
    return this.known;
  }

  /** Writes the environment with what is known now; a crash leaves the old or the new one. */
  describe(changes: Partial<RunEnvironment>): void {
    this.known = { ...this.known, ...changes };
    const path = join(this.folder, ENVIRONMENT);
    Deno.writeTextFileSync(`${path}.new`, JSON.stringify(this.known, null, 2) + "\n");
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

/** @throws {StartupError} when nothing can be written there. */
export function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.removeSync(Deno.makeTempFileSync({ dir: folder }));
  } catch (cause) {
    const rule = "the folder for the results must be one that can be written to";
    throw new StartupError([`${rule}, got "${folder}" (${messageOf(cause)})`], { cause });
  }
}

export function hasRecording(folder: string): boolean {
  return existsSync(join(folder, ENVIRONMENT)) && samplesOf(folder) !== undefined;
}

/**
 * Reads a run's folder again. A last line that was cut by a crash is left out, and `cut` says so.
 * @throws {StartupError} when the folder holds no run, or its samples are broken.
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
  let last: { line: string; cause: unknown } | undefined;
  let broken: typeof last;
  const lines = new Lines(path);
  try {
    for await (const line of lines) {
      broken ??= last; // reported once the file is closed, for leaving a stream in its middle leaves a read under way
      if (broken) continue;
      try {
        samples.push(sampleIn(line));
      } catch (cause) {
        last = { line, cause };
      }
    }
  } catch (cause) {
    throw new StartupError([`${path} can't be read: ${messageOf(cause)}`], { cause });
  } finally {
    await lines.closed();
  }
  if (broken) {
    throw new StartupError([`${path} has a line that is no sample: ${broken.line.slice(0, 80)}`], broken);
  }
  const cut = await lines.cut();
  if (cut === undefined) return { environment, samples };
  const figures = `the figures are of the ${counted(samples.length, "sample")}`;
  return { environment, samples, cut: `${path} ${cut}: ${figures} that it has` };
}

/** @throws what says that it is none */
function sampleIn(line: string): Sample {
  const sample = JSON.parse(line);
  if (typeof sample.variant === "string" && typeof sample.load === "string") return sample;
  throw new TypeError("no sample");
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

/** The lines of a file with samples. */
class Lines implements AsyncIterable<string> {
  #bytes = 0;
  #file: ReadStream | undefined;

  constructor(private readonly path: string) {}

  [Symbol.asyncIterator](): AsyncIterator<string> {
    const file = this.#file = createReadStream(this.path);
    if (this.#grows) return createInterface({ input: file })[Symbol.asyncIterator]();
    // Z_SYNC_FLUSH: a file that was cut gives what is there instead of an error.
    const input = file.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }));
    input.on("data", (chunk: Uint8Array) => this.#bytes += chunk.length);
    return createInterface({ input })[Symbol.asyncIterator]();
  }

  /** Resolves when the file is closed, also where its lines ended by an error. */
  async closed(): Promise<void> {
    if (!this.#file || this.#file.closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#file.once("close", resolve);
    this.#file.destroy();
    await promise;
  }

  /** After the last line: why there may have been more, as the rest of a sentence. */
  async cut(): Promise<string | undefined> {
    if (this.#grows) return "is of a run that did not come to its end";
    return await lengthWithin(this.path) === this.#bytes % 2 ** 32 ? undefined : "is cut";
  }

  get #grows(): boolean {
    return this.path.endsWith(GROWING);
  }
}

/** What a gzip file's last four bytes say of the length of what it holds, modulo 2^32 (RFC 1952). */
async function lengthWithin(path: string): Promise<number | undefined> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  if (size < 4) return undefined;
  await file.seek(-4, Deno.SeekMode.End);
  const bytes = new Uint8Array(4);
  await file.read(bytes);
  return new DataView(bytes.buffer).getUint32(0, true);
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
