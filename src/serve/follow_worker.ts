/** A worker that serve did not start: how it differs from what the settings ask for, and what to do when it goes. */
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { addressOf, type SettingName, type Settings } from "../config/config.ts";
import { messageOf, StartupError } from "../core/errors.ts";
import type { WorkerStatus } from "../core/types.ts";
import { BUILT_IN_MODEL } from "../supervisor/plan.ts";
import type { WorkerIdentity } from "../supervisor/worker_process.ts";
import { isListening } from "./find_worker.ts";

const log = getLogger(["omnispan", "serve"]);

const LOOK_MS = 500;
/** The share of WORKER_WAIT_MS before serve starts its own: requests that wait are then answered in time. */
const GONE_SHARE = 1 / 3;

/** What a worker reports of itself. */
export type SaidIdentity = Pick<WorkerIdentity, "backend" | "model" | "simulated">;

/** What serve was started with. */
export interface Asked {
  readonly settings: Settings;
  /** The settings that the environment or a flag gave. */
  readonly given: ReadonlySet<SettingName>;
  readonly env: Readonly<Record<string, string>>;
}

/** A setting that was given and that the worker, which serve did not start, does not have. */
interface Difference {
  readonly setting: "WORKER_BACKEND" | "MODEL_ID" | "SIM_PROFILE";
  readonly asked: string;
  readonly is: string;
}

/** The given settings that a worker does not match. */
function differences({ settings, given, env }: Asked, said: SaidIdentity): Difference[] {
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

/** The identity in words, as "openvino, smollm2-135m" or "sim, a40, simulated". */
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

/** SIM_PROFILE is a name or a path; the worker reports the name. */
function isProfile(said: string, asked: string): boolean {
  const name = asked.slice(asked.lastIndexOf("/") + 1).replace(/\.json$/, "");
  return said === asked || said === name;
}

/** Resolves a path that exists on this machine; returns another text unchanged. */
function pathOf(text: string): string {
  const path = text.startsWith("~/") ? join(homedir(), text.slice(2)) : text;
  try {
    return realpathSync(path);
  } catch {
    return path.replace(/(?<=.)\/$/, "");
  }
}

export interface Followed {
  readonly asked: Asked;
  /** The engine's view of the worker. */
  worker(): WorkerStatus;
  /** Starts one in its place; undefined where the user has named the endpoint. */
  readonly startOwn: (() => Promise<unknown>) | undefined;
}

/**
 * Follows a worker that serve did not start, until the signal fires. Logs when a worker that differs from the settings
 * takes its place, and starts an own one when nothing has listened at its port for a third of WORKER_WAIT_MS.
 */
export async function followWorker(followed: Followed, signal: AbortSignal): Promise<void> {
  const { settings } = followed.asked;
  const address = addressOf(settings.WORKER_ENDPOINT);
  const patienceMs = settings.WORKER_WAIT_MS * GONE_SHARE;
  let instance: string | undefined;
  let goneSince: number | undefined;
  while (!signal.aborted) {
    await delay(LOOK_MS, undefined, { signal }).catch(() => {});
    const { state, identity } = followed.worker();
    if (identity && identity.instance !== instance) {
      instance = identity.instance;
      for (const { setting, asked, is } of differences(followed.asked, identity)) {
        log.warn("{setting} {asked} is not used: the worker at {address} has {is} ({identity})", {
          setting,
          asked,
          is,
          address,
          identity: describeIdentity(identity),
        });
      }
    }
    if (!followed.startOwn || signal.aborted) continue;
    if (state !== "down" || await isListening(address)) {
      goneSince = undefined;
      continue;
    }
    goneSince ??= performance.now();
    const goneMs = Math.round(performance.now() - goneSince);
    if (goneMs < patienceMs) continue;
    log.warn("nothing has listened at {address} for {goneMs} ms: serve starts a worker of its own", {
      address,
      goneMs,
    });
    try {
      await followed.startOwn();
      return;
    } catch (thrown) {
      if (signal.aborted) return;
      log.error("serve could not start a worker of its own: {problem}", { problem: messageOf(thrown) });
      if (thrown instanceof StartupError) return; // it would be refused again
      goneSince = undefined;
    }
  }
}
