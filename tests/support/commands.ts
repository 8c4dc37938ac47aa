import { delimiter, join } from "node:path";

/** Whether a program of this name is on PATH. Tests that need one that may be missing are ignored without it. */
export function hasCommand(name: string): boolean {
  return pathOf(name) !== undefined;
}

/** The first file on PATH with one of these names. */
export function pathOf(...names: readonly string[]): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(delimiter);
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return names.flatMap((name) => folders.map((folder) => join(folder, name + suffix))).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
