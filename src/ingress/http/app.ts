import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { OmnispanError } from "../../core/errors.ts";
import type { Asset } from "../../page/assets.ts";
import { failedReply } from "../../core/types.ts";
import type { Ingress } from "../ingress.ts";
import type { LiveStreams } from "./live_stream.ts";
import { chatCompletions, completions, type Context, failed, models, peerOf } from "./openai/endpoints.ts";
import { OwnHosts } from "./own_host.ts";
import { addPageRoutes } from "./page_routes.ts";
import { refusal, workerFailure } from "./status.ts";

/** What the HTTP door shows beside the API. */
export interface Shown {
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly live: LiveStreams;
  readonly assets: ReadonlyMap<string, Asset>;
}

export type App = Hono<{ Bindings: HttpBindings }>;

const LIVENESS = ["/healthz", "/health"];
const READINESS = "/readyz";
/** What answers any client, by whatever host. */
export const HEALTH_PATHS: ReadonlySet<string> = new Set([...LIVENESS, READINESS]);

/** All routes of the HTTP port. */
export function httpApp(ingress: Ingress, shown: Shown): App {
  const { keys, settings } = ingress;
  const ownHosts = new OwnHosts(settings);
  const anyHost = keys !== undefined || settings.ALLOW_NO_KEYS;
  const app: App = new Hono();
  app.use(async (context, next) => {
    const { path, url } = context.req;
    if (!anyHost && !HEALTH_PATHS.has(path)) ownHosts.require(url);
    await next();
  });

  app.post("/v1/chat/completions", chatCompletions(ingress));
  app.post("/v1/completions", completions(ingress));
  app.get("/v1/models", models(ingress));
  app.get("/v1/models/:model{.+}", models(ingress));

  for (const path of LIVENESS) app.get(path, ({ text }) => text("ok\n"));
  app.get(READINESS, ({ req, text }) => {
    const { state, detail } = ingress.scheduler.worker;
    if (ingress.scheduler.stopping) throw new OmnispanError("unavailable", "the engine is stopping");
    if (state === "up") return text("ok\n");
    // It asks for no key and no host of its own, and the detail names addresses of the house.
    const mayKnow = !keys && (anyHost || ownHosts.has(req.url));
    const message = `the worker is ${state}${mayKnow ? `: ${detail}` : ""}`;
    return failed(
      workerFailure({ ...failedReply("worker_unavailable", message), status: "worker_unavailable" }),
    );
  });
  app.get("/metrics", async (context) => {
    ingress.requireOperator(credentialOf(context));
    const { contentType } = shown.metrics;
    return new Response(await shown.metrics.text(), { headers: { "content-type": contentType } });
  });
  app.get("/live", (context) => {
    ingress.requireOperator(credentialOf(context));
    return context.req.method === "HEAD" ? new Response() : shown.live.response();
  });
  addPageRoutes(app, shown.assets);

  const methods = methodsOf(app);
  app.notFound(({ req }) => {
    const allowed = methods.get(req.path)?.join(", ");
    if (allowed === undefined) {
      const what = `${req.method} ${req.path.slice(0, 200)}`;
      return failed(refusal(new OmnispanError("not_found", `there is nothing at ${what}`)));
    }
    // No header of CORS: a page of another site learns that it may not.
    if (req.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow: allowed } });
    const message = `the method of ${req.path} must be one of ${allowed}, got ${req.method}`;
    const { body } = refusal(new OmnispanError("invalid_argument", message));
    return failed({ status: 405, body, headers: { allow: allowed } });
  });
  app.onError((thrown, { env }) => {
    const peer = peerOf(env);
    ingress.logRefusedCall(thrown, { transport: "http", ...(peer && { peer }) });
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
  for (const allowed of methods.values()) allowed.push("OPTIONS");
  return methods;
}

function credentialOf({ req }: Context): string | undefined {
  return req.header("authorization");
}
