import type { Registry } from "prom-client";
import type { Settings } from "../../config/config.ts";
import type { Millis, Supervision, ThreadStats, WorkerStatus } from "../../core/types.ts";
import type { Counts } from "./counts.ts";
import { counter, gauge, value } from "./exposition.ts";

/** The sources of the engine's own figures, which are read for each scrape. */
export interface EngineFigures {
  readonly settings: Settings;
  readonly startedAt: Millis;
  readonly counts: Counts;
  readonly supervision: Supervision;
  readonly worker: () => WorkerStatus;
  /** The scheduler's latest stats; undefined while it does not answer. */
  readonly stats: () => ThreadStats | undefined;
}

const WORKER_STATES = ["up", "draining", "down"] as const;

export function registerCounts(registry: Registry, counts: Counts): void {
  counter(
    registry,
    { name: "omnispan_requests_total", help: "Requests that ended, by how; refused ones included." },
    counts.requests.labelNames,
    () => [...counts.requests].map(({ labels, cell }) => [labels, cell.ended]),
  );
  counter(
    registry,
    { name: "omnispan_tokens_total", help: "Tokens of prompts and answers, by the model's tokenizer." },
    ["tenant", "direction"],
    function* () {
      for (const { labels, cell } of counts.tokens) {
        yield [{ ...labels, direction: "input" }, cell.input];
        yield [{ ...labels, direction: "output" }, cell.output];
      }
    },
  );
  counter(
    registry,
    { name: "omnispan_requests_accepted_total", help: "Requests that the scheduler took into its queue." },
    [],
    () => [[{}, counts.accepted]],
  );
  counter(
    registry,
    { name: "omnispan_requests_retried_total", help: "Requests sent again after a worker was lost." },
    [],
    () => [[{}, counts.retried]],
  );
}

export function registerEngine(registry: Registry, { settings, startedAt, stats }: EngineFigures): void {
  const labels = { mode: settings.ENGINE_MODE, deno_version: Deno.version.deno };
  gauge(
    registry,
    { name: "omnispan_engine_info", help: "1; the labels tell ENGINE_MODE and the runtime." },
    Object.keys(labels),
    () => [[labels, 1]],
  );
  const figures = [
    ["omnispan_start_time_seconds", "When the engine began, in Unix time.", () => startedAt / 1000],
    [
      "omnispan_scheduler_up",
      "Whether the scheduler thread answered this scrape in time.",
      () => stats() ? 1 : 0,
    ],
    ["omnispan_queue_depth", "Requests that wait.", () => stats()?.queueDepth],
    [
      "omnispan_queue_capacity",
      "Requests that may wait in the queue of each mode (QUEUE_CAPACITY).",
      () => settings.QUEUE_CAPACITY,
    ],
    ["omnispan_queue_bytes", "Bytes of the prompts that wait.", () => stats()?.queuedBytes],
    ["omnispan_requests_in_flight", "Requests at the worker.", () => stats()?.inFlight],
    [
      "omnispan_batch_size_limit",
      "The largest batch that a window gathers (MAX_BATCH_SIZE).",
      () => settings.MAX_BATCH_SIZE,
    ],
  ] as const;
  for (const [name, help, read] of figures) value(registry, { name, help }, read);
}

export function registerWorker(registry: Registry, { worker, supervision }: EngineFigures): void {
  gauge(
    registry,
    { name: "omnispan_worker_state", help: "1 for the state that the worker is in, 0 for the others." },
    ["state"],
    () => WORKER_STATES.map((state) => [{ state }, worker().state === state ? 1 : 0]),
  );
  gauge(
    registry,
    { name: "omnispan_worker_info", help: "1; the labels tell the worker of the last session." },
    ["backend", "model", "simulated"],
    function* () {
      const { identity } = worker();
      if (!identity) return;
      yield [{ backend: identity.backend, model: identity.model, simulated: String(identity.simulated) }, 1];
    },
  );
  const loads = [
    ["omnispan_worker_running", "Sequences in the worker's running batch.", () => worker().load?.running],
    ["omnispan_worker_waiting", "Sequences that wait at the worker.", () => worker().load?.waiting],
    ["omnispan_worker_kv_cache_usage_ratio", "Of the KV cache in use, 0 to 1.", () => worker().load?.kvUsage],
  ] as const;
  for (const [name, help, read] of loads) value(registry, { name, help }, read);
  const totals = [
    ["omnispan_worker_steps_total", "Decode steps of the worker.", () => worker().load?.steps],
    ["omnispan_worker_row_steps_total", "Sequences in those steps, together.", () => worker().load?.rowSteps],
    [
      "omnispan_worker_restarts_total",
      "Starts of the worker after its first, by serve.",
      () => supervision.restarts,
    ],
  ] as const;
  for (const [name, help, read] of totals) {
    counter(registry, { name, help }, [], function* () {
      const total = read();
      if (total !== undefined) yield [{}, total];
    });
  }
}
