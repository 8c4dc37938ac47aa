import type { Context, Env, Hono } from "hono";
import type { Asset } from "../../page/assets.ts";

/** What a page of ours may do in a browser: nothing that does not come from here. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** The live page and its parts. They hold nothing secret: what they show comes from `/live`. */
export function addPageRoutes<E extends Env>(app: Hono<E>, assets: ReadonlyMap<string, Asset>): void {
  for (const [path, asset] of assets) app.get(path, (context) => respond(context, asset));
}

function respond({ req }: Context, { body, contentType, etag }: Asset): Response {
  const headers = { ...HEADERS, etag };
  if (req.header("if-none-match") === etag) return new Response(null, { status: 304, headers });
  return new Response(body, { headers: { ...headers, "content-type": contentType } });
}
