import { StartupError } from "../core/errors.ts";
import { type Command, CommandFailed, run } from "./child.ts";

const TELL_VERSION = ["-c", "import sys; print('Python %d.%d.%d' % sys.version_info[:3])"];

/** A Python interpreter and how to call it. */
export interface Python {
  readonly program: string;
  readonly args: readonly string[];
  /** As in "3.12.4". */
  readonly version: string;
}

/**
 * Finds the Python of the setting, or with "auto" the first on PATH that is new enough.
 * @throws {StartupError} that names what was found instead
 */
export async function findPython(setting: string, oldest: string, signal: AbortSignal): Promise<Python> {
  const found: string[] = [];
  for (const [program, ...args] of candidates(setting, Deno.build.os)) {
    const version = await versionOf({ program, args }, signal);
    if (version === undefined) continue;
    if (isNewEnough(version, oldest)) return { program, args, version };
    found.push(`${[program, ...args].join(" ")} is ${version}`);
  }
  const wanted = `Python ${oldest} or newer`;
  throw new StartupError([
    setting === "auto"
      ? `serve needs ${wanted} on PATH, found ${
        found.join(", ") || "none"
      }; install one or set PYTHON to its path`
      : `PYTHON must be the path of ${wanted}, got ${JSON.stringify(setting)} (${
        found[0] ?? "it does not run"
      })`,
  ]);
}

/** What to try, in order; each is a program and its first arguments. */
export function candidates(setting: string, os: typeof Deno.build.os): [string, ...string[]][] {
  if (setting !== "auto") return [[setting]];
  const names = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
  const launcher: [string, ...string[]][] = os === "windows" ? [["py", "-3"]] : [];
  return [...launcher, ...names.map((name): [string] => [name])];
}

/** The version of an interpreter; undefined when it does not run. */
async function versionOf(
  { program, args }: Pick<Command, "program" | "args">,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const output = await run({ program, args: [...args, ...TELL_VERSION] }, { signal });
    return parseVersion(output.join("\n"));
  } catch (thrown) {
    if (thrown instanceof CommandFailed) return undefined;
    throw thrown;
  }
}

/** The version in what an interpreter prints, as "3.12.4". */
export function parseVersion(output: string): string | undefined {
  return /\bPython (\d+\.\d+\.\d+)/.exec(output)?.[1];
}

/** Whether a version like "3.12.4" is at least one like "3.10". */
export function isNewEnough(version: string, oldest: string): boolean {
  const [[major = 0, minor = 0], [leastMajor = 0, leastMinor = 0]] = [version, oldest].map((text) =>
    text.split(".").map(Number)
  ) as [number[], number[]];
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/**
 * Runs a module or a file while a thread reads stdin; the end of stdin kills the process and what it started. The thread
 * reads the descriptor and not Python's file object, whose lock would break the exit of Python.
 */
const RUN_UNTIL_STDIN_CLOSES = `
import os, runpy, signal, sys, threading
def watch():
    while os.read(0, 4096):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
sys.argv = sys.argv[1:]
if sys.argv[0].endswith(".py"):
    runpy.run_path(sys.argv[0], run_name="__main__")
else:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
`;

/** `python -m module` or `python file.py`, which also ends when we are killed. */
export function pythonCommand(python: string, moduleOrFile: string, args: readonly string[]): Command {
  return { program: python, args: ["-c", RUN_UNTIL_STDIN_CLOSES, moduleOrFile, ...args] };
}
