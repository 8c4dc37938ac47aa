import type { Registry } from "prom-client";
import type { Dispatch, Millis } from "../../core/types.ts";
import {
  BATCH_SIZE_BOUNDS,
  Buckets,
  DURATION_BOUNDS,
  FIRST_TOKEN_BOUNDS,
  LATENESS_BOUNDS,
  OUTPUT_TOKEN_BOUNDS,
  WAIT_BOUNDS,
} from "./buckets.ts";
import { counter, histogram, type MetricSample } from "./exposition.ts";
import { Family } from "./family.ts";
import { latenciesOf } from "../live/latencies.ts";
import { type Ledger, type Phase, PHASES } from "../../core/ledger.ts";
import { modeOf } from "../../core/modes/modes.ts";
import type { RequestEnd } from "../observer.ts";

/** How long requests took and waited, and in what batches they left. */
export class RequestHistograms {
  readonly #duration = new Family(["mode", "error_type"], () => new Buckets(DURATION_BOUNDS));
  readonly #firstToken = new Family(["mode"], () => new Buckets(FIRST_TOKEN_BOUNDS));
  readonly #outputToken = new Family(["mode"], () => new Buckets(OUTPUT_TOKEN_BOUNDS));
  readonly #queueWait = new Family(["mode"], () => new Buckets(WAIT_BOUNDS));
  readonly #batchWait = new Family(["mode"], () => new Buckets(WAIT_BOUNDS));
  readonly #batchSize = new Family(["mode", "reason"], () => new Buckets(BATCH_SIZE_BOUNDS));
  readonly #lateness = new Family(["mode"], () => new Buckets(LATENESS_BOUNDS));
  readonly #phases = new Family(["mode"], emptyPhases);

  constructor(registry: Registry) {
    histogram(registry, DURATION, DURATION_BOUNDS, this.#duration);
    histogram(registry, FIRST_TOKEN, FIRST_TOKEN_BOUNDS, this.#firstToken);
    histogram(registry, OUTPUT_TOKEN, OUTPUT_TOKEN_BOUNDS, this.#outputToken);
    histogram(registry, QUEUE_WAIT, WAIT_BOUNDS, this.#queueWait);
    histogram(registry, BATCH_WAIT, WAIT_BOUNDS, this.#batchWait);
    histogram(registry, BATCH_SIZE, BATCH_SIZE_BOUNDS, this.#batchSize);
    histogram(registry, LATENESS, LATENESS_BOUNDS, this.#lateness);
    counter(registry, PHASE_TIME, ["mode", "phase"], () => this.#phaseSamples());
  }

  ended({ mode, status, receivedAt, endedAt, answer, dispatch, ledger }: RequestEnd): void {
    const error = status === "ok" ? "" : status;
    this.#duration.at(mode, error).add(seconds(Math.max(0, endedAt - receivedAt)));
    if (!answer || !ledger) return;
    if (dispatch) {
      this.#queueWait.at(mode).add(seconds(dispatch.at - receivedAt));
      if (modeOf(mode).isWindowed) this.#batchWait.at(mode).add(seconds(ledger.batch));
    }
    const latencies = latenciesOf(receivedAt, answer);
    if (!latencies) return;
    this.#firstToken.at(mode).add(seconds(latencies.ttftMs));
    if (latencies.tpotMs !== undefined) this.#outputToken.at(mode).add(seconds(latencies.tpotMs));
    add(this.#phases.at(mode), ledger);
  }

  dispatched({ mode, reason, lateMs, tickets }: Dispatch): void {
    this.#batchSize.at(mode, reason).add(tickets.length);
    this.#lateness.at(mode).add(seconds(Math.max(0, lateMs)));
  }

  *#phaseSamples(): Generator<MetricSample> {
    for (const { labels, cell } of this.#phases) {
      for (const phase of PHASES) yield [{ ...labels, phase }, seconds(Math.max(0, cell[phase]))];
    }
  }
}

/** Field by field: a loop over the names costs as much as all the rest. */
function add(sums: Record<Phase, Millis>, parts: Ledger): void {
  sums.accept += parts.accept;
  sums.queue += parts.queue;
  sums.batch += parts.batch;
  sums.dispatch += parts.dispatch;
  sums.prefill += parts.prefill;
  sums.decode += parts.decode;
  sums.reply += parts.reply;
}

function emptyPhases(): Record<Phase, Millis> {
  return { accept: 0, queue: 0, batch: 0, dispatch: 0, prefill: 0, decode: 0, reply: 0 };
}

function seconds(ms: Millis): number {
  return ms / 1000;
}

const DURATION = {
  name: "gen_ai_server_request_duration_seconds",
  help: "Engine receive to the end of the answer, or to the refusal (then with error_type).",
};
const FIRST_TOKEN = {
  name: "gen_ai_server_time_to_first_token_seconds",
  help: "Engine receive to first token, of good answers.",
};
const OUTPUT_TOKEN = {
  name: "gen_ai_server_time_per_output_token_seconds",
  help: "First token to last, for each token after the first, of good answers.",
};
const QUEUE_WAIT = {
  name: "omnispan_queue_wait_seconds",
  help: "Engine receive to dispatch, of requests that the worker answered or failed.",
};
const BATCH_WAIT = {
  name: "omnispan_batch_wait_seconds",
  help: "What requests waited for others to share their batch (batch_ms of the ledger).",
};
const BATCH_SIZE = {
  name: "omnispan_batch_size",
  help: "Requests in the groups that left for the worker, by why they left.",
};
const LATENESS = {
  name: "omnispan_dispatch_lateness_seconds",
  help: "Dispatch after the moment it was due: the scheduler's own delay.",
};
const PHASE_TIME = {
  name: "omnispan_phase_seconds_total",
  help:
    "Time of good answers by the phases of the ledger; for a mean divide by the count of time to first token.",
};
