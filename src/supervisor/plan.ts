import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { type Backend, BACKEND_NAMES, BACKENDS } from "../config/backends.ts";
import { addressOf, type SettingName, type Settings } from "../config/config.ts";
import type { WorkerTls } from "../workers/worker_credentials.ts";
import type { EnvironmentPlan } from "./environment.ts";

/** The model that comes as a Python package, so that nothing has to be configured or downloaded from a hub. */
export const BUILT_IN_MODEL = "smollm2-135m";

export const WORKER_FOLDER = fileURLToPath(new URL("../../worker", import.meta.url));

export interface Platform {
  readonly os: typeof Deno.build.os;
  readonly arch: typeof Deno.build.arch;
}

/** What is decided about a local worker before anything is done. */
export interface WorkerPlan {
  readonly backend: Backend;
  /** The model as people see it; empty when the worker has none. */
  readonly model: string;
  /** The form of the built-in model that the backend reads; undefined for other models. */
  readonly builtInFormat: string | undefined;
  readonly environment: EnvironmentPlan;
  /** How the engine connects to it. */
  readonly tls: WorkerTls;
  /** Variables of the worker, beside our own environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Plans a worker that listens at `settings.WORKER_ENDPOINT`. */
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
      // The worker inherits our environment, and must not serve TLS when the engine speaks none.
      ...(settings.WORKER_ENDPOINT.startsWith("https://")
        ? {}
        : { WORKER_TLS_CERT: "", WORKER_TLS_KEY: "", WORKER_TLS_CLIENT_CA: "" }),
    },
  };
}

/** The fastest backend that runs on this kind of machine without further choices. */
function standardBackend({ os, arch }: Platform): Backend {
  const fits = (autoOn?: string) => autoOn === "any" || autoOn === `${os}-${arch}`;
  return BACKEND_NAMES.find((name) => fits(BACKENDS[name].autoOn))!;
}
