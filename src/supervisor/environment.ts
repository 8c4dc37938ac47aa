/**
 * The Python environment of the local worker, which the first start makes. A stamp that is written last marks a complete
 * environment; a marker that is written first marks one whose set-up was interrupted.
 */
import { createHash } from "node:crypto";
import { dirname, join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CommandFailed, run } from "./child.ts";
import type { Progress } from "./progress.ts";
import { findPython, isNewEnough, parseVersion, type Python, pythonCommand } from "./python.ts";
import { SetupError } from "./setup_error.ts";

export interface EnvironmentPlan {
  /** The folder of the environment, as in worker/.venv. */
  readonly folder: string;
  /** The file of the packages it has to have. */
  readonly requirements: string;
  /** The PYTHON setting. */
  readonly python: string;
  /** The oldest Python that the packages run on. */
  readonly oldest: string;
  /** Further options of pip, as --no-deps. */
  readonly pipOptions?: readonly string[];
}

/** What a complete environment was made from. */
interface Stamp {
  readonly requirements: string;
  /** The PYTHON setting and the version it turned out to be. */
  readonly python: string;
  readonly version: string;
}

/** Between two tries at a lock that another process holds. */
const RETRY_MS = 250;

const LOCK = "omnispan.lock";
const STAMP = "omnispan.json";
const UNFINISHED = "omnispan.unfinished";
const LOG = "omnispan.log";

/**
 * Makes the environment if it is missing or stale, and returns its interpreter. Of several processes one works and the
 * others wait for it. A complete environment is only read, so it may lie on a read-only disk. An environment that was
 * made by hand is kept and gets the packages.
 * @throws {SetupError | StartupError}
 */
export async function ensureEnvironment(
  plan: EnvironmentPlan,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  const { python, complete } = await lookAt(plan, signal);
  if (complete) return python;
  try {
    return await makeComplete(plan, progress, signal);
  } catch (cause) {
    if (!(cause instanceof Error && /\(os error \d+\)/.test(cause.message))) throw cause;
    const what = `the worker's Python environment in ${shown(plan.folder)} can't be made`;
    throw new SetupError([`${what}: ${cause.message}`], { cause }); // a disk that is full or can't be written
  }
}

/** The state of an environment. */
interface Found {
  readonly python: string;
  /** Undefined when the interpreter is missing or broken. */
  readonly version: string | undefined;
  /** Hash of the requirement files as they are now. */
  readonly requirements: string;
  /** The environment can be kept, though packages may be missing. */
  readonly sound: boolean;
  readonly complete: boolean;
}

async function lookAt(plan: EnvironmentPlan, signal: AbortSignal): Promise<Found> {
  const { folder } = plan;
  const requirements = hashOf(await requirementFiles(plan.requirements));
  const python = interpreterOf(folder);
  const version = await ownVersion(python, signal);
  const stamp = await readStamp(folder);
  const unfinished = await exists(join(folder, UNFINISHED));
  const sameBase = stamp === undefined || (stamp.version === version && stamp.python === plan.python);
  const sound = version !== undefined && isNewEnough(version, plan.oldest) && sameBase && !unfinished;
  return { python, version, requirements, sound, complete: sound && stamp?.requirements === requirements };
}

async function makeComplete(plan: EnvironmentPlan, progress: Progress, signal: AbortSignal): Promise<string> {
  await Deno.mkdir(plan.folder, { recursive: true });
  const folder = await Deno.realPath(plan.folder); // venv makes none behind a link
  using _lock = await lockFile(
    join(folder, LOCK),
    () => progress.note(`another process sets up ${shown(plan.folder)}; waiting for it`),
    signal,
  );
  const { python, version, requirements, sound, complete } = await lookAt(plan, signal);
  if (complete) return python;
  const base = sound ? undefined : await findPython(plan.python, plan.oldest, signal);
  await Deno.writeTextFile(join(folder, UNFINISHED), "");
  if (base) {
    await makeEmpty(folder);
    await progress.step(
      `making the worker's Python environment in ${shown(plan.folder)} (Python ${base.version})`,
      () => create(folder, base, signal),
    );
  }
  await progress.step(
    `installing the worker's packages (${shown(plan.requirements)})`,
    (report) => install(plan, python, report, signal),
  );
  await writeStamp(folder, { requirements, python: plan.python, version: base?.version ?? version! });
  return python;
}

async function create(
  folder: string,
  { program, args, version }: Python,
  signal: AbortSignal,
): Promise<void> {
  try {
    await run({ program, args: [...args, "-m", "venv", folder] }, { signal });
  } catch (thrown) {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    const output = thrown.lastLines.join("\n");
    if (!/ensurepip|No module named venv/.test(output)) {
      throw new SetupError([`${program} -m venv failed: ${thrown.lastLines.at(-1) ?? thrown.message}`]);
    }
    const minor = version.split(".").slice(0, 2).join(".");
    throw new SetupError([
      `Python ${version} comes without venv here; on Debian and Ubuntu run: sudo apt install python${minor}-venv`,
    ]);
  }
}

async function install(
  { folder, requirements, pipOptions = [] }: EnvironmentPlan,
  python: string,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const path = join(folder, LOG);
  using log = await Deno.open(path, { create: true, write: true, truncate: true });
  const encoder = new TextEncoder();
  const options = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off", ...pipOptions];
  try {
    await run(pythonCommand(python, "pip", ["install", ...options, "-r", requirements]), {
      signal,
      onLine(line) {
        log.writeSync(encoder.encode(line + "\n"));
        report(line.trim());
      },
    });
  } catch (thrown) {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    throw new SetupError([
      `the worker's packages can't be installed: pip ended with exit code ${thrown.code}; ` +
      `its whole output is in ${shown(path)}, its last lines:`,
      ...thrown.lastLines.slice(-10).map((line) => `  ${line}`),
    ]);
  }
}

/** Removes all but the lock, which is held, and the marker of an unfinished set-up. */
async function makeEmpty(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (name !== LOCK && name !== UNFINISHED) await Deno.remove(join(folder, name), { recursive: true });
  }
}

function interpreterOf(folder: string): string {
  return Deno.build.os === "windows" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
}

/** The version of the environment's interpreter as it is now; undefined when it is missing or broken. */
async function ownVersion(python: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return parseVersion((await run({ program: python, args: ["--version"] }, { signal })).join("\n"));
  } catch (thrown) {
    if (thrown instanceof CommandFailed) return undefined;
    throw thrown;
  }
}

async function readStamp(folder: string): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(join(folder, STAMP))) as Stamp;
  } catch {
    return undefined;
  }
}

async function writeStamp(folder: string, stamp: Stamp): Promise<void> {
  await Deno.writeTextFile(join(folder, STAMP), JSON.stringify(stamp));
  await Deno.remove(join(folder, UNFINISHED));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** A path as a person at the repository's root would write it. */
function shown(path: string): string {
  return relative(Deno.cwd(), path) || path;
}

/** A requirement file and the files it names with -r or -c, each once, itself first. */
async function requirementFiles(path: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  const visit = async (file: string) => {
    if (contents.has(file)) return;
    const text = await Deno.readTextFile(file);
    contents.set(file, text);
    for (const name of namedFiles(text)) await visit(join(dirname(file), name));
  };
  await visit(path);
  return contents;
}

/** The files that a requirement file names. */
export function namedFiles(text: string): string[] {
  const option = /^\s*(?:-r|-c|--requirement|--constraint)(?:\s+|=)?(\S+)/gm;
  return [...text.matchAll(option)].map(([, name]) => name!);
}

/** A hash of the texts, whatever the paths of their files. */
export function hashOf(contents: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  for (const text of contents.values()) hash.update(`${text.length}:${text}`);
  return hash.digest("hex");
}

/**
 * Takes an exclusive lock on a file, which is made if it is missing. Dispose or the end of the process releases it.
 * Calls `onWait` once when another process holds the lock.
 */
async function lockFile(path: string, onWait: () => void, signal: AbortSignal): Promise<Disposable> {
  const file = await Deno.open(path, { create: true, write: true });
  try {
    for (let tries = 0; !await file.tryLock(true); tries++) {
      if (tries === 0) onWait();
      await delay(RETRY_MS, undefined, { signal });
    }
    return file;
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}
