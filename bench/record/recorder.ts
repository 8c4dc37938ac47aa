import { createReadStream, createWriteStream, existsSync } from "node:fs";
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
  const broken: { readonly line: string; readonly at: number; readonly cause: unknown }[] = [];
  let lines = 0;
  const take = (line: string) => {
    lines++;
    try {
      samples.push(sampleIn(line));
    } catch (cause) {
      if (broken.length === 0) broken.push({ line, at: lines, cause });
    }
  };
  const bytes = await readLines(path, take).catch((cause) => {
    throw new StartupError([`${path} can't be read: ${messageOf(cause)}`], { cause });
  });
  const [first] = broken;
  if (first && first.at < lines) {
    throw new StartupError([`${path} has a line that is no sample: ${first.line.slice(0, 80)}`], first);
  }
  const cut = await whyCut(path, bytes);
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

/** Reads the lines of a file with samples to its end, and returns its length in bytes before it was compressed. */
async function readLines(path: string, take: (line: string) => void): Promise<number> {
  const file = createReadStream(path);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  file.once("close", resolve);
  // Z_SYNC_FLUSH: a file that was cut gives what is there instead of an error.
  const input = path.endsWith(GROWING)
    ? file
    : file.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }));
  let bytes = 0;
  input.on("data", (chunk: Uint8Array) => bytes += chunk.length);
  try {
    for await (const line of createInterface({ input })) take(line);
    return bytes;
  } finally {
    file.destroy();
    await closed;
  }
}

/** Why there may have been more than the bytes that were read, as the rest of a sentence. */
async function whyCut(path: string, bytes: number): Promise<string | undefined> {
  if (path.endsWith(GROWING)) return "is of a run that did not come to its end";
  return await lengthWithin(path) === bytes % 2 ** 32 ? undefined : "is cut";
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
