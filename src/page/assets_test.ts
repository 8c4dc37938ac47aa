import assert from "node:assert/strict";
import { type Asset, loadAssets } from "./assets.ts";

function text(assets: ReadonlyMap<string, Asset>, path: string): string {
  const asset = assets.get(path);
  assert.ok(asset, `there is ${path}`);
  return new TextDecoder().decode(asset.body);
}

function scripts(assets: ReadonlyMap<string, Asset>): string[] {
  return [...assets.keys()].filter((path) => path.endsWith(".ts"));
}

Deno.test("all that the page and its scripts name is served, and nothing is that they don't reach", async () => {
  const assets = await loadAssets();
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    const names = path === "/"
      ? text(assets, path).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)
      : text(assets, path).matchAll(/\bfrom ["'](\.\/[^"']+)["']/g);
    for (const [, name] of names) visit(new URL(name ?? "", `http://engine${path}`).pathname);
  };
  visit("/");
  assert.deepEqual([...reached].sort(), [...assets.keys()].sort());
  assert.ok(reached.size > 20, `${reached.size} files`);
});

Deno.test("scripts are JavaScript without types, whose imports a browser can follow", async () => {
  const assets = await loadAssets();
  for (const path of scripts(assets)) {
    const script = text(assets, path);
    assert.equal(assets.get(path)?.contentType, "text/javascript; charset=utf-8", path);
    assert.doesNotMatch(script, /^import type|^export interface|\bfrom "(?!\.\/)/m, path);
    assert.doesNotMatch(path, /_test/);
  }
});

Deno.test("the page keeps to a policy without inline scripts and styles, and sets text only as text", async () => {
  const assets = await loadAssets();
  assert.doesNotMatch(text(assets, "/"), /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|https?:\/\//);
  for (const path of scripts(assets)) {
    assert.doesNotMatch(
      text(assets, path),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/,
      path,
    );
  }
});

Deno.test("an etag is quoted, and the same only for the same content", async () => {
  const [one, two] = [await loadAssets(), await loadAssets()];
  for (const [path, { etag }] of one) {
    assert.match(etag, /^"[\w-]{22}"$/);
    assert.equal(etag, two.get(path)?.etag);
  }
  assert.equal(new Set([...one.values()].map(({ etag }) => etag)).size, one.size);
});

Deno.test("packages are served below their licences, uPlot's script as a module", async () => {
  const assets = await loadAssets();
  for (const path of ["/assets/uplot.js", "/assets/uplot.css", "/assets/eventsource-parser/parse.js"]) {
    assert.match(text(assets, path), /^\/\*!\n(uplot|eventsource-parser):\n\n(The )?MIT License/);
  }
  assert.match(text(assets, "/assets/uplot.js"), /export default uPlot;\n$/);
});
