/**
 * The live page as the HTTP server serves it: read once at the engine's start, so that no request touches the disk and
 * a page never mixes two versions. Browser modules are TypeScript whose types are stripped here; nothing is bundled.
 */
import { readdir, readFile } from "node:fs/promises";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** A strong one, in its quotes. */
  readonly etag: string;
}

const TYPES = {
  html: "text/html; charset=utf-8",
  script: "text/javascript; charset=utf-8",
  style: "text/css; charset=utf-8",
  image: "image/svg+xml",
} as const;

/** The folders of the page's scripts: only those in `browser` know a document. No two scripts have one name. */
const SCRIPT_FOLDERS = ["browser", "figures", "../live"] as const;

/** The modules of eventsource-parser, by their names in it. */
const PARSER_MODULES = ["index", "parse", "errors"] as const;

/** Loads all files by the paths of their URLs: `/` is the page, all else is below `/assets/`. */
export async function loadAssets(): Promise<ReadonlyMap<string, Asset>> {
  await Promise.all([import("uplot"), import("eventsource-parser")]); // so that their files are there
  const [styles, ...scripts] = await Promise.all([
    filesIn("styles", /\.css$/),
    ...SCRIPT_FOLDERS.map((folder) => filesIn(folder, /(?<!_test)\.ts$/)),
  ]);
  return new Map(
    await Promise.all([
      asset("/", TYPES.html, ours("index.html")),
      asset("/assets/icon.svg", TYPES.image, ours("icon.svg")),
      asset("/assets/uplot.css", TYPES.style, licensed("uplot", "uPlot.min.css")),
      asset(
        "/assets/uplot.js",
        TYPES.script,
        licensed("uplot", "uPlot.iife.min.js").then(asModule),
      ),
      ...PARSER_MODULES.map((name) =>
        asset(
          `/assets/eventsource-parser/${name}.js`,
          TYPES.script,
          licensed("eventsource-parser", `${name}.js`).then(withoutSourceMap),
        )
      ),
      ...styles.map((path) => asset(`/assets/${basename(path)}`, TYPES.style, ours(path))),
      ...scripts.flat().map((path) => asset(`/assets/${basename(path)}`, TYPES.script, script(path))),
    ]),
  );
}

async function filesIn(folder: string, names: RegExp): Promise<string[]> {
  return (await readdir(here(folder))).filter((name) => names.test(name)).map((name) => `${folder}/${name}`);
}

async function asset(path: string, contentType: string, text: Promise<string>): Promise<[string, Asset]> {
  const body = new TextEncoder().encode(await text);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return [path, { body, contentType, etag: `"${digest.toBase64({ alphabet: "base64url" }).slice(0, 22)}"` }];
}

/** Strips a script's types, and writes the URLs of its imports: a browser knows neither packages nor our folders. */
async function script(path: string): Promise<string> {
  return stripTypeScriptTypes(await ours(path))
    .replaceAll('from "uplot"', 'from "./uplot.js"')
    .replaceAll('from "eventsource-parser"', 'from "./eventsource-parser/index.js"')
    .replaceAll(/from "(?:\.\.\/)+(?:browser|figures|live)\//g, 'from "./');
}

/** Makes a module of the minified file, which sets a variable: that is the default export. */
function asModule(script: string): string {
  return `${script}\nexport default uPlot;\n`;
}

/** The map lies in the package alone. */
function withoutSourceMap(script: string): string {
  return script.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
}

/** A file in a package's `dist`, below the package's licence. */
async function licensed(name: string, file: string): Promise<string> {
  const main = createRequire(import.meta.url).resolve(name);
  const [licence, body] = await Promise.all([
    text(join(dirname(main), "../LICENSE")),
    text(join(dirname(main), file)),
  ]);
  return `/*!\n${name}:\n\n${licence.replaceAll("*/", "* /").trim()}\n*/\n${body}`;
}

function ours(path: string): Promise<string> {
  return text(here(path));
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`the live page's file ${basename(path)} can't be read`, { cause });
  }
}
