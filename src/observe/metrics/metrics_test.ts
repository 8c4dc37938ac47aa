import assert from "node:assert/strict";
import { hasCommand } from "../../../tests/support/commands.ts";
import { engineStopped, metricsOf, settingsOf, STATS } from "../../../tests/support/observed_engine.ts";
import { parseMetrics, problemsOf, sampleOf } from "../../../tests/support/exposition.ts";
import type { Metrics } from "./metrics.ts";
import { answer, end, notice, openRequest, turnedAway } from "../../../tests/support/observed_requests.ts";

/** Good ones, failed ones, refused ones, in several modes and of several tenants. */
function traffic(metrics: Metrics): void {
  metrics.dispatched(notice({ tickets: [1, 2] }));
  metrics.dispatched(notice({ id: 2, mode: "direct", reason: "direct", tickets: [3], lateMs: -0.1 }));
  for (const tenantId of ['the "best"\\\n', "none", ""]) {
    metrics.ended(end(openRequest({ tenantId })));
    metrics.ended(end(openRequest({ tenantId, mode: "direct", transport: "grpc" })));
  }
  metrics.ended(end(openRequest(), "worker_timeout", answer({ status: "worker_timeout", outputTokens: 0 })));
  metrics.ended(end({ ...openRequest(), tokens: 5 }, "cancelled"));
  metrics.ended(turnedAway("invalid_argument", "whoever"));
}

async function read(metrics: Metrics) {
  return parseMetrics(await metrics.text());
}

Deno.test("the text holds to the format, before and after traffic", async () => {
  const metrics = metricsOf();
  assert.deepEqual(problemsOf(await read(metrics)), []);
  traffic(metrics);
  assert.deepEqual(problemsOf(await read(metrics)), []);
});

Deno.test("promtool finds nothing to say", { ignore: !hasCommand("promtool") }, async () => {
  const metrics = metricsOf();
  traffic(metrics);
  assert.equal(await promtool(await metrics.text()), "");
});

Deno.test("requests and tokens are counted by how they ended and by whom", async () => {
  const metrics = metricsOf();
  traffic(metrics);
  const text = await read(metrics);
  const requests = (labels: Record<string, string>) => sampleOf(text, "omnispan_requests_total", labels);
  assert.equal(requests({ door: "grpc", mode: "direct", status: "ok", tenant: "~none" }), 1);
  assert.equal(requests({ door: "http", mode: "micro_batch", status: "worker_timeout", tenant: "none" }), 1);
  assert.equal(requests({ status: "invalid_argument", tenant: "other" }), 1);
  assert.equal(requests({ mode: "direct", status: "ok", tenant: 'the "best"\\\n' }), 1);
  assert.equal(sampleOf(text, "omnispan_tokens_total", { direction: "output", tenant: "~none" }), 22);
  assert.equal(sampleOf(text, "omnispan_tokens_total", { direction: "output", tenant: "none" }), 22 + 5);
  assert.equal(sampleOf(text, "omnispan_tokens_total", { direction: "input", tenant: "none" }), 14 + 7);
});

Deno.test("latencies are the engine's, in seconds; only good answers have TTFT and TPOT", async () => {
  const metrics = metricsOf();
  traffic(metrics);
  metrics.ended(end(openRequest(), "ok", answer({ outputTokens: 1 })));
  const text = await read(metrics);
  const at = (name: string, labels: Record<string, string> = {}) =>
    sampleOf(text, name, { mode: "micro_batch", ...labels });
  assert.equal(at("gen_ai_server_time_to_first_token_seconds_count"), 4);
  assertClose(at("gen_ai_server_time_to_first_token_seconds_sum"), 4 * 0.06);
  assert.equal(at("gen_ai_server_time_to_first_token_seconds_bucket", { le: "0.04" }), 0);
  assert.equal(at("gen_ai_server_time_to_first_token_seconds_bucket", { le: "0.06" }), 4);
  assert.equal(at("gen_ai_server_time_per_output_token_seconds_count"), 3);
  assertClose(at("gen_ai_server_time_per_output_token_seconds_sum"), 3 * 0.01);
  assert.equal(at("gen_ai_server_request_duration_seconds_count", { error_type: "worker_timeout" }), 1);
  assertClose(at("omnispan_queue_wait_seconds_sum"), 5 * 0.01);
  assertClose(at("omnispan_batch_wait_seconds_sum"), 5 * 0.008);
  assert.equal(sampleOf(text, "omnispan_batch_wait_seconds_count", { mode: "direct" }), undefined);
  assertClose(at("omnispan_phase_seconds_total", { phase: "prefill" }), 4 * 0.045);
  assertClose(at("omnispan_phase_seconds_total", { phase: "dispatch" }), 4 * 0.005);
  assertClose(at("omnispan_phase_seconds_total", { phase: "reply" }), 4 * 0.001);
});

Deno.test("batches are told by size and reason", async () => {
  const metrics = metricsOf();
  traffic(metrics);
  const text = await read(metrics);
  const labels = { mode: "micro_batch", reason: "window" };
  assert.equal(sampleOf(text, "omnispan_batch_size_sum", labels), 2);
  assert.equal(sampleOf(text, "omnispan_batch_size_bucket", { ...labels, le: "1" }), 0);
  assert.equal(sampleOf(text, "omnispan_batch_size_bucket", { ...labels, le: "2" }), 1);
  assertClose(sampleOf(text, "omnispan_dispatch_lateness_seconds_sum", { mode: "micro_batch" }), 0.0004);
});

Deno.test("queue, worker and event loops are told as they are at the scrape", async () => {
  const metrics = metricsOf();
  const text = await read(metrics);
  assert.equal(sampleOf(text, "omnispan_queue_depth"), STATS.queueDepth);
  assert.equal(sampleOf(text, "omnispan_requests_accepted_total"), STATS.accepted);
  assert.equal(sampleOf(text, "omnispan_worker_state", { state: "up" }), 1);
  assert.equal(sampleOf(text, "omnispan_worker_state", { state: "down" }), 0);
  assert.equal(
    sampleOf(text, "omnispan_worker_info", { backend: "sim", model: "a40", simulated: "true" }),
    1,
  );
  assert.equal(sampleOf(text, "omnispan_worker_kv_cache_usage_ratio"), 0.25);
  await metrics.stats(); // of whoever asks: its lags are not lost
  assert.equal(
    sampleOf(await read(metrics), "omnispan_event_loop_lag_seconds_count", { thread: "scheduler" }),
    6,
  );
  assert.equal(sampleOf(await read(metrics), "omnispan_event_loop_lag_seconds_count", { thread: "main" }), 3);
});

Deno.test("a worker that says nothing of its load has no such samples", async () => {
  const metrics = metricsOf({ worker: () => ({ state: "down", detail: "gone" }) });
  const text = await read(metrics);
  assert.equal(sampleOf(text, "omnispan_worker_running"), undefined);
  assert.equal(sampleOf(text, "omnispan_worker_state", { state: "down" }), 1);
  assert.deepEqual(problemsOf(text), []);
});

Deno.test("a scheduler that is dead or silent does not hang a scrape", async () => {
  const silent = metricsOf({ stats: () => new Promise(() => {}) });
  for (const metrics of [silent, metricsOf({ stats: engineStopped })]) {
    const text = await read(metrics);
    assert.equal(sampleOf(text, "omnispan_scheduler_up"), 0);
    assert.equal(sampleOf(text, "omnispan_queue_depth"), undefined);
    assert.deepEqual(problemsOf(text), []);
  }
});

Deno.test("while the scheduler is silent it is asked once, whoever asks", () => {
  let asked = 0;
  const metrics = metricsOf({ stats: () => (asked++, new Promise(() => {})) });
  for (let i = 0; i < 10; i++) void metrics.stats();
  assert.equal(asked, 1);
});

Deno.test("a new scheduler thread does not take back what was counted", async () => {
  let accepted = 20;
  const metrics = metricsOf({ stats: () => Promise.resolve({ ...STATS, accepted }) });
  const told = async () => sampleOf(await read(metrics), "omnispan_requests_accepted_total");
  assert.equal(await told(), 20);
  accepted = 3;
  assert.equal(await told(), 23);
  accepted = 4;
  assert.equal(await told(), 24);
});

Deno.test("the number of series is bounded by METRICS_TENANTS, not by the tenants", async () => {
  const metrics = metricsOf({ settings: settingsOf({ METRICS_TENANTS: "3" }) });
  for (let i = 0; i < 100; i++) metrics.ended(turnedAway("unauthenticated", `guess-${i}`));
  for (let i = 0; i < 100; i++) metrics.ended(end(openRequest({ tenantId: `tenant-${i}` })));
  const text = await read(metrics);
  const tenants = text.flatMap(({ samples }) => samples).flatMap(({ labels: { tenant } }) => tenant ?? []);
  assert.deepEqual([...new Set(tenants)].sort(), ["other", "tenant-0", "tenant-1", "tenant-2"]);
  assert.equal(sampleOf(text, "omnispan_requests_total", { tenant: "other", status: "ok" }), 97);
});

Deno.test("two engines in one process count for themselves", async () => {
  const [first, second] = [metricsOf(), metricsOf()];
  first.ended(end(openRequest()));
  assert.equal(sampleOf(await read(second), "omnispan_requests_total"), undefined);
});

function assertClose(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

/** What `promtool check metrics` has against a text. */
async function promtool(text: string): Promise<string> {
  const child = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return code === 0 ? said : `exit code ${code}: ${said}`;
}
