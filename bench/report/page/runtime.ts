import { fileURLToPath } from "node:url";

/** A script that stands in the page, with the hash by which the page's policy lets it run. */
export interface InlineScript {
  readonly text: string;
  /** A source of Content-Security-Policy: `'sha256-...'`. */
  readonly source: string;
}

/**
 * The Vega runtime as its package ships it for browsers, below the licences of what it consists of. The compiler of
 * Vega-Lite is not in it: charts are compiled when the report is made, which halves what a page has to carry.
 */
export async function vegaRuntime(): Promise<InlineScript> {
  await import("vega"); // only so that the package is there: what it exports has no file for browsers
  const module = import.meta.resolve("vega");
  const [script, ...licences] = await Promise.all([
    read(new URL("vega.min.js", module)),
    read(new URL("../LICENSE", module)),
    read(new URL("../LICENSE", import.meta.resolve("d3-array"))),
  ]);
  const notice = ["Vega", "D3, parts of which Vega's file contains"]
    .map((name, index) => `${name}:\n\n${licences[index]?.replaceAll("*/", "* /").trim()}`);
  return inlineScript(`/*!\n${notice.join("\n\n")}\n*/\n${script}`);
}

export async function pageScript(): Promise<InlineScript> {
  return await inlineScript(await read(new URL("page.js", import.meta.url)));
}

export async function pageStyle(): Promise<string> {
  return await read(new URL("page.css", import.meta.url));
}

async function inlineScript(text: string): Promise<InlineScript> {
  if (/<\/script|<!--/i.test(text)) {
    throw new Error("a script with the end of its element in it can't stand in a page");
  }
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return { text, source: `'sha256-${new Uint8Array(digest).toBase64()}'` };
}

/** With the line ends that a browser makes of any others, for the hash counts them. */
async function read(url: URL): Promise<string> {
  return (await Deno.readTextFile(fileURLToPath(url))).replaceAll("\r\n", "\n");
}
