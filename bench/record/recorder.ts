import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { StartupError } from "../src/errors.ts";
import type { RunEnvironment } from "./environment.ts";
import type { Sample } from "./sample.ts";

const SAMPLES = "samples.ndjson";
const ENVIRONMENT = "environment.json";

/** What a run is: where and how it was made, and each request of it. Every figure is computed from these later. */
export interface Recording {
  readonly environment: RunEnvironment;
  readonly samples: readonly Sample[];
}

/** Writes a run's folder as the run goes, so that a run that ends early has left what it measured. */
export class Recorder implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();

  constructor(readonly folder: string, environment: RunEnvironment) {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeTextFileSync(join(folder, ENVIRONMENT), JSON.stringify(environment, null, 2) + "\n");
    this.#file = Deno.openSync(join(folder, SAMPLES), { write: true, create: true, truncate: true });
  }

  sample(sample: Sample): void {
    this.#file.writeSync(this.#encoder.encode(JSON.stringify(sample) + "\n"));
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

export function hasRecording(folder: string): boolean {
  return existsSync(join(folder, ENVIRONMENT)) && existsSync(join(folder, SAMPLES));
}

/**
 * Reads a run's folder again. A last line that was cut by a crash is left out.
 * @throws {StartupError} when the folder holds no run.
 */
export async function readRecording(folder: string): Promise<Recording> {
  if (!hasRecording(folder)) {
    throw new StartupError([
      `report must be given a folder with ${ENVIRONMENT} and ${SAMPLES}, got "${folder}"`,
    ]);
  }
  const environment = JSON.parse(await Deno.readTextFile(join(folder, ENVIRONMENT)));
  const samples: Sample[] = [];
  let cut: { line: string; cause: unknown } | undefined;
  let broken: typeof cut;
  for await (const line of createInterface({ input: createReadStream(join(folder, SAMPLES)) })) {
    broken ??= cut; // told once the file is closed: to leave a stream in its middle leaves a read under way
    if (broken) continue;
    try {
      samples.push(JSON.parse(line));
    } catch (cause) {
      cut = { line, cause };
    }
  }
  if (broken) {
    throw new StartupError([`${SAMPLES} has a line that is no JSON: ${broken.line.slice(0, 80)}`], broken);
  }
  return { environment, samples };
}
