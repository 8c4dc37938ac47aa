import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { addressOf, type SettingName, type Settings } from "../config/config.ts";
import { StartupError } from "../core/errors.ts";
import { BUILT_IN_MODEL } from "../supervisor/plan.ts";
import type { WorkerIdentity } from "../supervisor/worker_process.ts";

/** What a worker says of itself, wherever it does. */
export type SaidIdentity = Pick<WorkerIdentity, "backend" | "model" | "simulated">;

/** What serve was started with. */
export interface Asked {
  readonly settings: Settings;
  /** Those that the environment or a flag gave. */
  readonly given: ReadonlySet<SettingName>;
  readonly env: Readonly<Record<string, string>>;
}

/** A setting that was given and that the worker, which serve did not start, does not have. */
export interface Difference {
  readonly setting: "WORKER_BACKEND" | "MODEL_ID" | "SIM_PROFILE";
  readonly asked: string;
  readonly is: string;
}

/** In what a worker differs from what was asked for by name. */
export function differences({ settings, given, env }: Asked, said: SaidIdentity): Difference[] {
  const { WORKER_BACKEND: backend, MODEL_ID: model } = settings;
  const found: Difference[] = [];
  if (given.has("WORKER_BACKEND") && backend !== "auto" && said.backend !== backend) {
    found.push({ setting: "WORKER_BACKEND", asked: backend, is: said.backend });
  }
  // The simulator has no model: its profile stands in the model's place.
  const profile = env["SIM_PROFILE"];
  if (said.backend === "sim" && profile && !isProfile(said.model, profile)) {
    found.push({ setting: "SIM_PROFILE", asked: profile, is: said.model });
  }
  if (given.has("MODEL_ID") && backend !== "sim" && !isModel(said.model, model)) {
    found.push({ setting: "MODEL_ID", asked: model, is: said.model });
  }
  return found;
}

/** @throws {StartupError} when the worker that was found is another than was asked for */
export function requireWanted(asked: Asked, said: SaidIdentity): void {
  const address = addressOf(asked.settings.WORKER_ENDPOINT);
  const problems = differences(asked, said).map(({ setting, asked, is }) =>
    `${setting} must be "${is}", as of the worker that already answers at ${address} ` +
    `(${
      describeIdentity(said)
    }), got "${asked}": end that worker, give another WORKER_PORT, or leave ${setting} out`
  );
  if (problems.length > 0) throw new StartupError(problems);
}

/** "openvino, smollm2-135m", or "sim, a40, simulated". */
export function describeIdentity({ backend, model, simulated }: SaidIdentity): string {
  return `${backend}, ${model}${simulated ? ", simulated" : ""}`;
}

/** Whether two texts name one model: as they are, as paths, or as the built-in one and its place in the cache. */
export function isModel(said: string, asked: string): boolean {
  const [path, wanted] = [pathOf(said), pathOf(asked)];
  const isBuiltIn = (name: string, at: string) => {
    return name === BUILT_IN_MODEL && at.includes(`${sep}models${sep}${BUILT_IN_MODEL}${sep}`);
  };
  return path === wanted || isBuiltIn(asked, path) || isBuiltIn(said, wanted);
}

/** A profile is asked for by its name or by a path; the worker says its name. */
function isProfile(said: string, asked: string): boolean {
  const name = asked.slice(asked.lastIndexOf("/") + 1).replace(/\.json$/, "");
  return said === asked || said === name;
}

/** A path as it is found on this machine; another text as it is. */
function pathOf(text: string): string {
  const path = text.startsWith("~/") ? join(homedir(), text.slice(2)) : text;
  try {
    return realpathSync(path);
  } catch {
    return path.replace(/(?<=.)\/$/, "");
  }
}
