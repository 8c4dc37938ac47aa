import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { type Backend, BACKEND_NAMES, BACKENDS } from "../config/backends.ts";
import { addressOf, type SettingName, type Settings } from "../config/config.ts";
import type { WorkerTls } from "../workers/worker_credentials.ts";
import type { EnvironmentPlan } from "./environment.ts";

/** The model that comes from a package, so that nothing has to be configured or downloaded from a hub. */
export const BUILT_IN_MODEL = "smollm2-135m";

export const WORKER_FOLDER = fileURLToPath(new URL("../../worker", import.meta.url));

export interface Platform {
  readonly os: typeof Deno.build.os;
  readonly arch: typeof Deno.build.arch;
}

/** All that is decided about a local worker before anything is done. */
export interface WorkerPlan {
  readonly backend: Backend;
  /** As shown to people; empty when the worker has no model. */
  readonly model: string;
  /** The form in which the built-in model has to be there; undefined for other models. */
  readonly builtInFormat: string | undefined;
  readonly environment: EnvironmentPlan;
  /** How to speak to it. */
  readonly tls: WorkerTls;
  /** What the worker is told, beside our own environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** `settings.WORKER_ENDPOINT` is where the worker has to listen. */
export function planWorker(
  settings: Settings,
  given: ReadonlySet<SettingName>,
  platform: Platform,
): WorkerPlan {
  const standard = standardBackend(platform);
  const backend = settings.WORKER_BACKEND === "auto" ? standard : settings.WORKER_BACKEND;
  const { builtInModel, requirements, python } = BACKENDS[backend];
  const address = addressOf(settings.WORKER_ENDPOINT);
  const colon = address.lastIndexOf(":");
  const model = backend === "sim" && !given.has("MODEL_ID") ? "" : settings.MODEL_ID;
  return {
    backend,
    model,
    builtInFormat: model === BUILT_IN_MODEL ? builtInModel : undefined,
    tls: settings,
    environment: {
      folder: join(WORKER_FOLDER, backend === standard ? ".venv" : `.venv-${backend}`),
      requirements: join(WORKER_FOLDER, requirements),
      python: settings.PYTHON,
      oldest: python,
    },
    env: {
      WORKER_BACKEND: backend,
      WORKER_HOST: address.slice(0, colon),
      WORKER_PORT: address.slice(colon + 1),
      MODEL_ID: model,
      WORKER_EXIT_ON_STDIN_CLOSE: "1",
      PYTHONUNBUFFERED: "1",
      // It inherits our environment, and serves TLS only where we speak it.
      ...(settings.WORKER_ENDPOINT.startsWith("https://")
        ? {}
        : { WORKER_TLS_CERT: "", WORKER_TLS_KEY: "", WORKER_TLS_CLIENT_CA: "" }),
    },
  };
}

/** The fastest backend that runs on this kind of machine without further choices. */
export function standardBackend({ os, arch }: Platform): Backend {
  const fits = (autoOn?: string) => autoOn === "any" || autoOn === `${os}-${arch}`;
  return BACKEND_NAMES.find((name) => fits(BACKENDS[name].autoOn))!;
}
