import type { SchedulerStats } from "../../core/types.ts";
import { Family } from "./family.ts";
import type { LiveTotals } from "../../live/feed.ts";
import type { RequestEnd } from "../observer.ts";
import { TenantLabels } from "./tenant_labels.ts";

/**
 * What happened since the engine's start. The one place where it is counted: `/metrics` and the live feed both read
 * these cells, so their figures can't differ.
 */
export class Counts {
  readonly requests = new Family(["door", "mode", "status", "tenant"], () => ({ ended: 0 }));
  readonly tokens = new Family(["tenant"], () => ({ input: 0, output: 0 }));
  /** Groups that left for the worker. */
  batches = 0;
  readonly #accepted = new Rising();
  readonly #retried = new Rising();
  readonly #tenants: TenantLabels;

  /** @param tenants METRICS_TENANTS */
  constructor(tenants: number) {
    this.#tenants = new TenantLabels(tenants);
  }

  /** Requests that the scheduler has accepted, by its latest stats. */
  get accepted(): number {
    return this.#accepted.total;
  }

  /** Requests sent again after a worker was lost, by the scheduler's latest stats. */
  get retried(): number {
    return this.#retried.total;
  }

  update({ accepted, retried }: SchedulerStats): void {
    this.#accepted.update(accepted);
    this.#retried.update(retried);
  }

  ended({ transport, mode, status, tenantId, outputTokens, request, answer }: RequestEnd): void {
    const tenant = this.#tenants.of(tenantId, request !== undefined);
    this.requests.at(transport, mode, status, tenant).ended++;
    const input = answer?.reply.inputTokens ?? 0;
    if (input + outputTokens === 0) return;
    const tokens = this.tokens.at(tenant);
    tokens.input += input;
    tokens.output += outputTokens;
  }

  totals(): LiveTotals {
    const { accepted, retried, batches } = this;
    const failed: Record<string, number> = {};
    let ok = 0;
    for (const { labels: { status = "" }, cell: { ended } } of this.requests) {
      if (status === "ok") ok += ended;
      else failed[status] = (failed[status] ?? 0) + ended;
    }
    let inputTokens = 0;
    let outputTokens = 0;
    for (const { cell: { input, output } } of this.tokens) {
      inputTokens += input;
      outputTokens += output;
    }
    return { accepted, ok, failed, retried, inputTokens, outputTokens, batches };
  }
}

/** The total of a count that begins anew with each scheduler thread. */
class Rising {
  #before = 0;
  #latest = 0;

  get total(): number {
    return this.#before + this.#latest;
  }

  update(count: number): void {
    if (count < this.#latest) this.#before += this.#latest;
    this.#latest = count;
  }
}
