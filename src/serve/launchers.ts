/**
 * The processes between us and who typed the command: `deno task`, npx and npx's shell. npx does not pass
 * SIGTERM on as far as to us, so we look by ourselves whether they are still there.
 */
import process from "node:process";

const LOOK_EVERY_MS = 1000;
/** `deno task ...`, or npm, npx or node running Deno: processes that have nothing else to do than to wait for us. */
const RUNNER = /^\S*deno(\.exe)? (.* )?task( |$)|^(\S*\/)?(npm|npx|node|pnpm|yarn|bun)\b.*\bdeno\b/;
const SHELL = /^(\S*\/)?(sh|bash|dash|ash|zsh) -c /;

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/**
 * Our launchers, nearest first: runners, and a shell only between two of them, for a shell that a person wrote
 * may start us in the background and end.
 */
export function launchersOf(ancestors: readonly ProcessInfo[]): number[] {
  const end = ancestors.findIndex(({ command }) => !RUNNER.test(command) && !SHELL.test(command));
  const near = end < 0 ? ancestors : ancestors.slice(0, end);
  const last = near.findLastIndex(({ command }) => RUNNER.test(command));
  return near.slice(0, last + 1).map(({ pid }) => pid);
}

/** Calls `onGone` once when one of our launchers has ended. Never on Windows, where ends are passed on. */
export function watchLaunchers(onGone: () => void): Disposable {
  const launchers = Deno.build.os === "windows" ? [] : launchersOf(ancestors());
  const timer = setInterval(() => {
    if (launchers.every(isAlive)) return;
    clearInterval(timer);
    onGone();
  }, LOOK_EVERY_MS);
  if (launchers.length === 0) clearInterval(timer);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Our ancestors, parent first, up to the first that can't be seen. */
function ancestors(): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (let pid = Deno.ppid; pid > 1 && found.length < 10;) {
    const info = Deno.build.os === "linux" ? fromProc(pid) : fromPs(pid);
    if (!info) break;
    found.push(info);
    pid = info.parent;
  }
  return found;
}

function fromProc(pid: number): ProcessInfo | undefined {
  try {
    const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    return { pid, parent: Number(procStat(pid)[1]), command };
  } catch {
    return undefined;
  }
}

/** State, parent and so on of a process; the name before them may hold anything, so it is left out. */
function procStat(pid: number): string[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function fromPs(pid: number): ProcessInfo | undefined {
  try {
    const { stdout } = new Deno.Command("ps", { args: ["-o", "ppid=,command=", "-p", String(pid)] })
      .outputSync();
    const match = /^\s*(\d+)\s+(.*)/.exec(new TextDecoder().decode(stdout));
    return match ? { pid, parent: Number(match[1]), command: match[2]!.trim() } : undefined;
  } catch {
    return undefined;
  }
}

/** Only a look that finds no such process says that it has ended: where no file can be opened (EMFILE) all live on. */
export function isAlive(pid: number): boolean {
  try {
    if (Deno.build.os === "linux") return procStat(pid)[0] !== "Z";
    return process.kill(pid, 0);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    return code !== "ENOENT" && code !== "ESRCH";
  }
}
