import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { OmnispanError } from "../../errors.ts";
import type { Asset } from "../../page/assets.ts";
import type { Door } from "../door.ts";
import { requireOwnHost } from "./own_host.ts";
import type { LiveStreams } from "./live_stream.ts";
import { chatCompletions, completions, type Context, failed, models, peerOf } from "./openai/endpoints.ts";
import { addPageRoutes } from "./page_routes.ts";
import { refusal } from "./status.ts";

/** What the HTTP door shows beside the API. */
export interface Shown {
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly live: LiveStreams;
  readonly assets: ReadonlyMap<string, Asset>;
}

export type App = Hono<{ Bindings: HttpBindings }>;

/** All routes of the HTTP port. */
export function httpApp(door: Door, shown: Shown): App {
  const { settings } = door;
  const app: App = new Hono();
  if (!door.keys && !settings.ALLOW_NO_KEYS) app.use(requireOwnHost(settings));

  app.post("/v1/chat/completions", chatCompletions(door));
  app.post("/v1/completions", completions(door));
  app.get("/v1/models", models(door));
  app.get("/v1/models/:model{.+}", models(door));

  app.get("/healthz", ({ text }) => text("ok\n"));
  app.get("/readyz", ({ text }) => {
    const { state, detail } = door.scheduler.worker;
    if (door.scheduler.stopping) return text("the engine is stopping\n", 503);
    if (state === "up") return text("ok\n");
    // It asks for no key, and the detail names addresses of the house.
    return text(door.keys ? `the worker is ${state}\n` : `the worker is ${state}: ${detail}\n`, 503);
  });
  app.get("/metrics", async (context) => {
    door.requireOperator(credentialOf(context));
    const { contentType } = shown.metrics;
    return new Response(await shown.metrics.text(), { headers: { "content-type": contentType } });
  });
  app.get("/live", (context) => {
    door.requireOperator(credentialOf(context));
    return context.req.method === "HEAD" ? new Response() : shown.live.response();
  });
  addPageRoutes(app, shown.assets);

  const methods = methodsOf(app);
  app.notFound(({ req }) => {
    const allowed = methods.get(req.path);
    if (allowed) return wrongMethod(req.method, req.path, allowed);
    const what = `${req.method} ${req.path.slice(0, 200)}`;
    return failed(refusal(new OmnispanError("not_found", `there is nothing at ${what}`)));
  });
  app.onError((thrown, { env }) => {
    const peer = peerOf(env);
    door.turnedAway(thrown, { door: "http", ...(peer && { peer }) });
    if (thrown instanceof OmnispanError) return failed(refusal(thrown));
    return failed(refusal(new OmnispanError("internal", "the engine failed; its log says how")));
  });
  return app;
}

/** Of each path that has no variable part. */
function methodsOf({ routes }: App): Map<string, string[]> {
  const methods = new Map<string, string[]>();
  for (const { method, path } of routes) {
    if (method === "ALL") continue;
    const answered = method === "GET" ? ["GET", "HEAD"] : [method];
    methods.set(path, [...methods.get(path) ?? [], ...answered]);
  }
  return methods;
}

function wrongMethod(method: string, path: string, allowed: readonly string[]): Response {
  const message = `the method of ${path} must be ${allowed.join(" or ")}, got ${method}`;
  const { body } = refusal(new OmnispanError("invalid_argument", message));
  return failed({ status: 405, body, headers: { allow: allowed.join(", ") } });
}

function credentialOf({ req }: Context): string | undefined {
  return req.header("authorization");
}
