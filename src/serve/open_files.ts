/** How many files the process may have open, and how many connections that leaves room for. */
import type { Settings } from "../config/config.ts";

/** Files that the engine has open beside its connections to clients, with room for those it opens for a moment. */
const OTHER_FILES = 60;

type Ports = Pick<Settings, "MAX_CONNECTIONS" | "HTTP_PORT">;

/**
 * The most connections to each port that `limit` leaves room for, where that is less than MAX_CONNECTIONS: beyond it
 * no file can be read and no connection accepted. `problem` describes a limit that was lowered.
 */
export function connectionsWithin(
  { MAX_CONNECTIONS, HTTP_PORT }: Ports,
  limit: number | undefined,
): { readonly most: number; readonly problem: string | undefined } {
  const ports = HTTP_PORT === "off" ? 1 : 2;
  const room = Math.max(1, Math.floor(((limit ?? Infinity) - OTHER_FILES) / ports));
  if (room >= MAX_CONNECTIONS) return { most: MAX_CONNECTIONS, problem: undefined };
  const problem = `MAX_CONNECTIONS must be at most ${room} where ${limit} files may be open (ulimit -n, ` +
    `${OTHER_FILES} of them for other things), got ${MAX_CONNECTIONS}: it is ${room} now`;
  return { most: room, problem };
}

/** The limit of open files; undefined where there is none or it can't be read. Deno raises it to the hard limit. */
export function openFilesLimit(): number | undefined {
  const limit = Number(Deno.build.os === "linux" ? fromProc() : fromShell());
  return Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
}

function fromProc(): string | undefined {
  try {
    return /^Max open files\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits"))?.[1];
  } catch {
    return undefined;
  }
}

/** Asks a shell, which inherits our limits. */
function fromShell(): string | undefined {
  if (Deno.build.os === "windows") return undefined;
  try {
    const { stdout } = new Deno.Command("sh", { args: ["-c", "ulimit -n"], stderr: "null" }).outputSync();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return undefined;
  }
}
