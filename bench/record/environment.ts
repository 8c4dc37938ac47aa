import { cpus, loadavg, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { INGRESS_SETTINGS, type Settings } from "../../src/config/config.ts";
import type { RunPlan } from "../plan.ts";

/** environment.json: all that a reader of the samples must know to trust and repeat them. */
export interface RunEnvironment {
  /** When the run began, ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly machine: Machine;
  readonly versions: { readonly deno: string; readonly v8: string; readonly typescript: string };
  /** Null outside a git checkout. */
  readonly git: { readonly commit: string; readonly changed: boolean } | null;
  /** The command line that asked for the run. */
  readonly command: readonly string[];
  /** The common settings of the engines that the run started, which a variant changes; null for `--target`. */
  readonly engine: EngineSettings | null;
  /** The engine that was measured, when the run did not start it. */
  readonly target: string | null;
  readonly worker: WorkerIdentity | null;
  readonly plan: RunPlan;
  /** What each turn took of a trace, and which file that was, by the names of loads that replay one. */
  readonly traces: Readonly<Record<string, TraceUse & { readonly sha256: string }>>;
  /** gRPC connections that all requests of an engine share. */
  readonly connections: number;
}

/** What a turn takes of a trace. */
export interface TraceUse {
  /** Rows of the file. */
  readonly rows: number;
  /** Rows before the turn's limits; the others are left out. */
  readonly played: number;
  /** Played rows whose tokens were cut to `maxPromptTokens` or `maxOutputTokens`. */
  readonly shortenedPrompts: number;
  readonly shortenedOutputs: number;
}

/** The settings that all engines of a run share: mode and listening ports are each one's own. */
export type EngineSettings = Omit<Settings, "ENGINE_MODE" | keyof typeof INGRESS_SETTINGS>;

export function commonSettings(settings: Settings): EngineSettings {
  const own: ReadonlySet<string> = new Set(["ENGINE_MODE", ...Object.keys(INGRESS_SETTINGS)]);
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !own.has(name))) as EngineSettings;
}

export interface Machine {
  readonly os: string;
  readonly arch: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Programs that ran or wanted to, over the minute before the run; 0 where the system does not say. */
  readonly loadAverage: number;
}

/** The Python worker behind the engines. Null: it does not say. */
export interface WorkerIdentity {
  /** Null behind an engine that runs elsewhere. */
  readonly endpoint: string | null;
  readonly startedByBench: boolean;
  readonly backend: string | null;
  readonly model: string | null;
  /** No model ran: the times come from a profile. */
  readonly simulated: boolean | null;
  /** The settings that a worker which the run started found in its environment. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What can be read off the machine and the checkout. */
export async function surroundings(): Promise<Pick<RunEnvironment, "machine" | "versions" | "git">> {
  const cores = cpus();
  return {
    machine: {
      os: `${type()} ${release()}`,
      arch: Deno.build.arch,
      cpu: cores[0]?.model.trim() ?? "unknown",
      cores: cores.length,
      memoryBytes: totalmem(),
      loadAverage: loadavg()[0] ?? 0,
    },
    versions: { ...Deno.version },
    git: await gitState(THIS_CHECKOUT),
  };
}

/** The state of the checkout that a folder belongs to; null outside of git, and without git. */
export async function gitState(folder: string): Promise<RunEnvironment["git"]> {
  const commit = await git(folder, "rev-parse", "HEAD");
  const changes = await git(folder, "status", "--porcelain", "--untracked-files=no");
  return commit === null || changes === null ? null : { commit, changed: changes !== "" };
}

const THIS_CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/** What git prints, or null when there is no git or no checkout. */
async function git(cwd: string, ...args: string[]): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command("git", { args, cwd, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}
