// @ts-types="@types/d3-array"
import { rollup } from "d3-array";
import type { Load } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { listed, ms, percent, threeDigits } from "../words.ts";
import { growthOf, thirdsOf } from "./steady_state.ts";
import type { CellSummary, Finding, Verdict } from "./cell_summary.ts";
import { isFew, PERCENTS } from "./estimate.ts";
import type { Turn } from "./requests.ts";

/** What the rules look at besides the requests. */
export type Judged = Pick<CellSummary, "e2eMs" | "ttftMs" | "latenessMs" | "requests" | "failed">;

const LEAST_LATENESS_MS = 2;
const LATENESS_SHARE = 0.05;
/** Of a turn, in median latencies. */
const LEAST_GENERATIONS = 5;
const LEAST_MEASURED_MS = 1000;
/** With fewer not even the mean is told; what percentiles need beyond that, their marks say. */
const LEAST_REQUESTS = 30;
const FAILED_SHARE = 0.01;
const GROWTH = 0.02;
const THIRDS_SHARE = 0.1;
const CHANCE = 0.01;

/** Why the figures of a cell should not be trusted, each with the figures that say so. */
export function verdictOf(turns: readonly Turn[], load: Load, figures: Judged): Verdict {
  const growing = growingBacklog(turns, load);
  const findings = [
    lateGenerator(load, figures),
    // Under overload latency grows with the run, so no run is long by it.
    growing ? undefined : tooShort(turns, figures),
    fewSamples(figures),
    errors(turns, figures),
    growing ?? unevenThroughput(turns, load),
  ].filter((finding) => finding !== undefined);
  return { valid: findings.length === 0, findings };
}

function lateGenerator(load: Load, figures: Judged): Finding | undefined {
  return load.kind === "closed" ? slowClients(figures) : lateSends(figures);
}

/** What a client waits for the generator is part of its cycle, and would count as the engine's. */
function slowClients({ latenessMs, e2eMs }: Judged): Finding | undefined {
  const [lateMs, limitMs] = [latenessMs.mean.value, LATENESS_SHARE * e2eMs.p50.value];
  if (!(lateMs > limitMs)) return undefined;
  const [late, limit] = [ms(lateMs), ms(limitMs)];
  return {
    kind: "generator_late",
    text: `The generator took ${late} on average to send the next request of a client that had its answer, ` +
      `over the limit of ${limit} (5 % of the median E2E latency): it slowed its clients down.`,
  };
}

function lateSends({ latenessMs, ttftMs, e2eMs }: Judged): Finding | undefined {
  const streamed = !Number.isNaN(ttftMs.p50.value);
  const [medianMs, name] = streamed ? [ttftMs.p50.value, "TTFT"] : [e2eMs.p50.value, "E2E latency"];
  const limitMs = Math.max(LEAST_LATENESS_MS, LATENESS_SHARE * medianMs);
  const lateMs = latenessMs.p99.value;
  if (!(lateMs > limitMs)) return undefined;
  const [late, limit, median] = [lateMs, limitMs, medianMs].map(ms);
  return {
    kind: "generator_late",
    text:
      `The generator sent ${late} late at p99, over the limit of ${limit} (the greater of 2 ms and 5 % of ` +
      `the median ${name} of ${median}): the load was not the one that was asked for.`,
  };
}

function tooShort(turns: readonly Turn[], { e2eMs }: Judged): Finding | undefined {
  const [shortest] = turns.toSorted((a, b) => a.measuredMs - b.measuredMs);
  if (!shortest) return undefined;
  const medianMs = e2eMs.p50.value;
  const wholeMs = turns.reduce((sum, { measuredMs }) => sum + measuredMs, 0);
  const [took, whole, median, least] = [shortest.measuredMs, wholeMs, medianMs, LEAST_MEASURED_MS].map(ms);
  if (Number.isFinite(medianMs) && shortest.measuredMs < LEAST_GENERATIONS * medianMs) {
    return {
      kind: "too_short",
      text: `Round ${shortest.round + 1} measured for ${took}, less than 5 times the median E2E latency of ` +
        `${median}: filling and draining are much of what was measured.`,
    };
  }
  if (wholeMs >= LEAST_MEASURED_MS) return undefined;
  return {
    kind: "too_short",
    text:
      `All rounds together measured for ${whole}, less than ${least}: a single pause of the machine would ` +
      "be much of what was measured.",
  };
}

function fewSamples({ requests }: Judged): Finding | undefined {
  if (requests >= LEAST_REQUESTS) return undefined;
  const few = listed(PERCENTS.filter((percent) => isFew(requests, percent)).map((percent) => `p${percent}`));
  return {
    kind: "few_samples",
    text:
      `${requests} requests are too few for ${few}: fewer than 5 lie beyond. p95 needs 100, p99 needs 500.`,
  };
}

function errors(turns: readonly Turn[], { requests, failed }: Judged): Finding | undefined {
  const share = failed / requests;
  if (!(share > FAILED_SHARE)) return undefined;
  const failures = turns.flatMap(({ requests }) => requests.filter(({ outcome }) => outcome === "failed"));
  const byStatus = rollup(failures, (those) => those.length, ({ status }: Sample) => status);
  const statuses = [...byStatus].sort(([, a], [, b]) => b - a).map(([status, count]) => `${status} ${count}`);
  const first = statuses.slice(0, 4).join(", ");
  return {
    kind: "errors",
    text: `${failed} of ${requests} requests failed (${percent(share)}, the limit is 1 %): ${first}.`,
  };
}

/** Arrivals whose rate changes by plan are not judged: a backlog that comes and goes is what they are to show. */
function growingBacklog(turns: readonly Turn[], load: Load): Finding | undefined {
  if (load.kind === "closed" || ["ramp", "steps", "trace"].includes(load.arrivals.kind)) return undefined;
  const growth = growthOf(turns);
  if (growth === null || growth.chance > CHANCE || !(growth.slope > GROWTH)) return undefined;
  const added = ms(1000 * growth.slope);
  return {
    kind: "unstable",
    text: growth.slope === Infinity
      ? "Most of the later requests failed, where earlier ones were answered, so every figure depends on how long " +
        "the run was."
      : `Arrivals outran the service: each second of them added ${added} to the E2E latency (the limit is 20 ms), ` +
        "so every latency depends on how long the run was.",
  };
}

function unevenThroughput(turns: readonly Turn[], load: Load): Finding | undefined {
  if (load.kind === "open") return undefined;
  const thirds = thirdsOf(turns);
  if (thirds === null) return undefined;
  const [slowest, fastest] = [Math.min(...thirds.rates), Math.max(...thirds.rates)];
  if (thirds.chance > CHANCE || !(fastest - slowest > THIRDS_SHARE * fastest)) return undefined;
  const rates = listed(thirds.rates.map(threeDigits));
  return {
    kind: "unstable",
    text:
      `Throughput was not steady: ${rates} requests/s in the thirds of the run, which differ by more than ` +
      "10 % and more than their noise.",
  };
}
