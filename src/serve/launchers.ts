/**
 * The processes between this one and the shell of the user: `deno task`, npx and npx's shell. npx does not pass SIGTERM
 * on to us, so we check ourselves whether they are still alive. One may have ended before the first check, while packages
 * were downloaded: then the environment says that it started us, and it is not among our ancestors.
 */
import process from "node:process";

const LOOK_EVERY_MS = 1000;
/** `deno task ...`, or npm, npx or node running Deno: processes that only wait for us. */
const RUNNER = /^\S*deno[^\s/]* (.* )?task( |$)|^(\S*\/)?(npm|npx|node|pnpm|yarn|bun)\b.*\bdeno\b/;
const SHELL = /^(\S*\/)?(sh|bash|dash|ash|zsh) -c /;
/** Its program may have another name or a path with spaces, or be run by an emulator. */
const TASK = /deno\S* (.* )?task( |$)/;
/** The first word may be an emulator. */
const NPX = /^(\S+ )?(\S*\/)?((npm|npx)\b|node (.*\/)?(npm|npx)\b)/;
/** The script of npx when it runs Deno alone, and not a shell that may start Deno in the background. */
const DENO_ALONE = /^(['"]?)deno\1( [^&;|]*)?$/;
/** Set by the tasks in deno.json whose processes have to end with them. */
const STARTED_BY_TASK = "OMNISPAN_STARTED_BY_TASK";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Its process group: its own pid when it leads one, as a job in the background does. */
  readonly group: number;
  readonly command: string;
}

/**
 * Our launchers, nearest first: runners, and shells between two of them. Another shell may be a script that starts us in
 * the background and ends.
 */
export function launchersOf(ancestors: readonly ProcessInfo[]): number[] {
  const end = ancestors.findIndex(({ command }) => !RUNNER.test(command) && !SHELL.test(command));
  const near = end < 0 ? ancestors : ancestors.slice(0, end);
  const last = near.findLastIndex(({ command }) => RUNNER.test(command));
  return near.slice(0, last + 1).map(({ pid }) => pid);
}

/**
 * Whether a launcher that our environment names has ended: the task is our parent; npx is an ancestor when it was to
 * run Deno and nothing else. A process that inherited npx's variables and leads a process group was detached on purpose.
 */
export function hasLostLauncher(
  ancestors: readonly ProcessInfo[],
  env: Readonly<Record<string, string>>,
): boolean {
  const [parent] = ancestors;
  if (!parent) return false;
  if (env[STARTED_BY_TASK] && !TASK.test(parent.command)) return true;
  const byNpx = env["npm_lifecycle_event"] === "npx" && DENO_ALONE.test(env["npm_lifecycle_script"] ?? "");
  const detached = parent.pid === parent.group;
  return byNpx && !detached && !ancestors.some(({ command }) => NPX.test(command));
}

/**
 * Calls `onGone` once when one of our launchers has ended, at once if it had before. Never on Windows, where the end
 * of a launcher ends us too.
 */
export function watchLaunchers(env: Readonly<Record<string, string>>, onGone: () => void): Disposable {
  const above = Deno.build.os === "windows" ? [] : ancestors();
  const launchers = launchersOf(above);
  const timer = setInterval(() => {
    if (launchers.every(isAlive)) return;
    clearInterval(timer);
    onGone();
  }, LOOK_EVERY_MS);
  const lost = hasLostLauncher(above, env);
  if (lost || launchers.length === 0) clearInterval(timer);
  if (lost) onGone();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Our ancestors, parent first, up to the first that can't be seen; in a container npx may be the very first process. */
function ancestors(): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (let pid = Deno.ppid; pid > 0 && found.length < 10;) {
    const info = Deno.build.os === "linux" ? fromProc(pid) : fromPs(pid);
    if (!info) break;
    found.push(info);
    pid = info.parent;
  }
  return found;
}

/**
 * The command of a process from its words as Linux has them, each ended by a zero. The path of the program, which may
 * have spaces, is one word; a program that wrote a title of its own, as npm does, has that word and many zeros.
 */
export function commandOf(cmdline: string): string {
  const [program = "", ...args] = cmdline.replace(/\0+$/, "").split("\0");
  return [args.length > 0 ? program.replaceAll(" ", "_") : program, ...args].join(" ");
}

function fromProc(pid: number): ProcessInfo | undefined {
  try {
    const command = commandOf(Deno.readTextFileSync(`/proc/${pid}/cmdline`));
    const [, parent, group] = procStat(pid).map(Number);
    return { pid, parent: parent!, group: group!, command };
  } catch {
    return undefined;
  }
}

/** State, parent, group and so on of a process, without the name before them, which may hold any character. */
function procStat(pid: number): string[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function fromPs(pid: number): ProcessInfo | undefined {
  try {
    const { stdout } = new Deno.Command("ps", { args: ["-o", "ppid=,pgid=,command=", "-p", String(pid)] })
      .outputSync();
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)/.exec(new TextDecoder().decode(stdout));
    return match
      ? {
        pid,
        parent: Number(match[1]),
        group: Number(match[2]),
        command: match[3]!.trim().replace(Deno.execPath(), "deno"),
      }
      : undefined;
  } catch {
    return undefined;
  }
}

/** A process counts as ended only when the system says that there is none: without free file handles (EMFILE) it lives. */
export function isAlive(pid: number): boolean {
  try {
    if (Deno.build.os === "linux") return procStat(pid)[0] !== "Z";
    return process.kill(pid, 0);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    return code !== "ENOENT" && code !== "ESRCH";
  }
}
