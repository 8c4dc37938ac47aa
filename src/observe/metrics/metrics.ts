import { Registry } from "prom-client";
import { within } from "../../clock.ts";
import type { Settings } from "../../config/config.ts";
import type { Dispatch, Millis, Supervision, ThreadStats, WorkerStatus } from "../../core/types.ts";
import { Buckets, LATENESS_BOUNDS } from "./buckets.ts";
import { Counts } from "./counts.ts";
import { registerCounts, registerEngine, registerWorker } from "./engine_metrics.ts";
import { histogram } from "./exposition.ts";
import { Family } from "./family.ts";
import type { Observer, RequestEnd } from "../observer.ts";
import { registerProcess } from "./process_metrics.ts";
import { RequestHistograms } from "./request_histograms.ts";

export interface MetricsOptions {
  readonly settings: Settings;
  readonly startedAt: Millis;
  readonly worker: () => WorkerStatus;
  readonly supervision: Supervision;
  /** `SchedulerHandle.stats` */
  readonly stats: () => Promise<ThreadStats>;
  /** How late the main thread's event loop came to its timers since the last call, in ms. */
  readonly lag: { take(): readonly Millis[] };
}

/** How long a scrape waits for the scheduler thread. */
const STATS_MS = 1000;

const LAG = {
  name: "omnispan_event_loop_lag_seconds",
  help: "How late a thread's event loop came to a timer; it looks ten times a second.",
};

/**
 * The engine's metrics in Prometheus' text format; docs/operations.md has the list. A request costs about a
 * microsecond here; what can be read at any time (queue, worker, process) is read for each scrape.
 */
export class Metrics implements Observer {
  /** The counts that the live feed sends too. */
  readonly counts: Counts;
  readonly #registry = new Registry();
  readonly #requests: RequestHistograms;
  readonly #lags = new Family(["thread"], () => new Buckets(LATENESS_BOUNDS));
  #asking: Promise<ThreadStats> | undefined;
  /** Undefined when the scheduler did not answer the latest scrape in time. */
  #stats: ThreadStats | undefined;

  constructor(private readonly options: MetricsOptions) {
    const { settings, startedAt, worker, supervision } = options;
    const counts = this.counts = new Counts(settings.METRICS_TENANTS);
    const figures = { settings, startedAt, counts, worker, supervision, stats: () => this.#stats };
    registerCounts(this.#registry, counts);
    this.#requests = new RequestHistograms(this.#registry);
    registerEngine(this.#registry, figures);
    registerWorker(this.#registry, figures);
    histogram(this.#registry, LAG, LATENESS_BOUNDS, this.#lags);
    registerProcess(this.#registry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  dispatched(notice: Dispatch): void {
    this.counts.batches++;
    this.#requests.dispatched(notice);
  }

  ended(end: RequestEnd): void {
    this.counts.ended(end);
    this.#requests.ended(end);
  }

  /**
   * The scheduler's figures, for all who want them: an answer has the lags since the last one, and they belong into
   * the metrics. While the thread has not answered, all who ask wait for the same answer.
   * Rejects as `SchedulerHandle.stats` does.
   */
  stats(): Promise<ThreadStats> {
    return this.#asking ??= this.options.stats().then((stats) => this.#record(stats)).finally(() => {
      this.#asking = undefined;
    });
  }

  /** Never rejects, and takes hardly more than a second whatever the scheduler thread does. */
  async text(): Promise<string> {
    this.#stats = await within(STATS_MS, this.stats().catch(() => undefined));
    for (const lagMs of this.options.lag.take()) this.#lags.at("main").add(lagMs / 1000);
    return await this.#registry.metrics();
  }

  #record(stats: ThreadStats): ThreadStats {
    this.counts.update(stats);
    for (const lagMs of stats.lagsMs) this.#lags.at("scheduler").add(lagMs / 1000);
    return stats;
  }
}
