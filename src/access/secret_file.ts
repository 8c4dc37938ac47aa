import { getLogger } from "@logtape/logtape";

const log = getLogger(["omnispan", "access"]);

const READ_BY_ALL = 0o004;
const WRITTEN_BY_GROUP_OR_ALL = 0o022;

/**
 * Logs a warning when others than the owner may change a file that decides who is let in or who one is, or when
 * everybody may read it. A group that may only read it is often the service's own.
 */
export function warnOfExposure(setting: string, path: string): void {
  const mode = modeOf(path);
  if (mode === null || Deno.build.os === "windows") return; // its modes say nothing
  const may = [
    ...(mode & READ_BY_ALL ? ["read"] : []),
    ...(mode & WRITTEN_BY_GROUP_OR_ALL ? ["changed"] : []),
  ];
  if (may.length === 0) return;
  log.warn(
    "{setting} should be its owner's alone (chmod 600), and {path} can be {may} by others: mode {mode}",
    {
      setting,
      path,
      may: may.join(" and "),
      mode: (mode & 0o777).toString(8).padStart(4, "0"),
    },
  );
}

/** Null where there is none, and of a file that has gone since it was read: who reads it next says so. */
function modeOf(path: string): number | null {
  try {
    return Deno.statSync(path).mode;
  } catch {
    return null;
  }
}
