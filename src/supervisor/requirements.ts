import { createHash } from "node:crypto";
import { dirname, join } from "node:path";

/** A requirement file and the files it names with -r or -c, each once, itself first. */
export async function requirementFiles(path: string): Promise<Map<string, string>> {
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

/** Changes whenever one of the files does, wherever they lie. */
export function hashOf(contents: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  for (const text of contents.values()) hash.update(`${text.length}:${text}`);
  return hash.digest("hex");
}
