/** What an engine reports over HTTP, to compare the page with. */
import assert from "node:assert/strict";
import { parseMetrics } from "./exposition.ts";
import type { LiveHello } from "../../src/live/feed.ts";
import { sseEvents } from "../../src/live/sse.ts";

/** Figures of `/metrics` by the names that they have on the page. */
export async function metricsOf(url: string) {
  const samples = parseMetrics(await (await fetch(`${url}/metrics`)).text()).flatMap(({ samples }) =>
    samples
  );
  const sum = (name: string, fits: (labels: Readonly<Record<string, string>>) => boolean = () => true) =>
    samples.filter((sample) => sample.name === `omnispan_${name}` && fits(sample.labels))
      .reduce((total, { value }) => total + value, 0);
  return {
    accepted: sum("requests_accepted_total"),
    ok: sum("requests_total", ({ status }) => status === "ok"),
    failed: sum("requests_total", ({ status }) => status !== "ok"),
    retried: sum("requests_retried_total"),
    inputTokens: sum("tokens_total", ({ direction }) => direction === "input"),
    outputTokens: sum("tokens_total", ({ direction }) => direction === "output"),
    batches: sum("batch_size_count"),
    restarts: sum("worker_restarts_total"),
    queueDepth: sum("queue_depth"),
    inFlight: sum("requests_in_flight"),
  };
}

/** The first event of `/live`. */
export async function helloOf(url: string): Promise<LiveHello> {
  const stop = new AbortController();
  const { body } = await fetch(`${url}/live`, { signal: stop.signal });
  assert.ok(body);
  try {
    for await (const { event, data } of sseEvents(body)) if (event === "hello") return JSON.parse(data);
  } finally {
    stop.abort();
  }
  throw new Error("/live has no hello");
}
