/** Figures for tests of reports: plausible ones, computed as simply as can be; intervals are 5 % to either side. */
import type { CellSummary, Distribution, Estimate, RunSummary } from "../../../bench/metrics/cell_summary.ts";
import { percentile } from "../../../src/percentile.ts";
import { itlGapsMs, meetsSlo, requestFigures } from "../../../bench/metrics/requests.ts";
import type { RunPlan } from "../../../bench/plan.ts";
import type { Sample } from "../../../bench/record/sample.ts";

export function plainSummary(samples: readonly Sample[], plan: RunPlan): RunSummary {
  const cells = plan.variants.flatMap((variant) => plan.loads.map((load) => ({ variant, load })));
  return {
    schema: 1,
    cells: cells.flatMap(({ variant, load }) => {
      const own = samples.filter((sample) => sample.variant === variant.name && sample.load === load.name);
      return own.length === 0 ? [] : [cellOf(own, plan)];
    }),
  };
}

export function estimateOf(value: number, told: Partial<Estimate> = {}): Estimate {
  return { value, low: value * 0.95, high: value * 1.05, samples: 100, few: false, ...told };
}

export function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (percent: number) =>
    estimateOf(percentile(sorted, percent), {
      samples: sorted.length,
      few: sorted.length * (100 - percent) < 500,
    });
  const mean = sorted.length === 0 ? NaN : sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { mean: estimateOf(mean), p50: at(50), p90: at(90), p95: at(95), p99: at(99) };
}

function cellOf(samples: readonly Sample[], plan: RunPlan): CellSummary {
  const [first] = samples;
  const ok = samples.filter(({ outcome }) => outcome === "ok");
  const turns = [...Map.groupBy(samples, ({ round }) => round).values()];
  const seconds = turns.reduce(
    (sum, turn) =>
      sum +
      (Math.max(...turn.map(({ endedAt }) => endedAt)) - Math.min(...turn.map((one) => one.intendedAt))) /
        1000,
    0,
  );
  const figures = samples.map(requestFigures);
  const of = (name: "e2eMs" | "sendToEndMs" | "latenessMs") =>
    distributionOf(figures.map((one) => one[name]));
  const some = (name: "ttftMs" | "tpotMs") =>
    distributionOf(figures.map((one) => one[name]).filter((value) => value !== undefined));
  const inSystem = samples.reduce((sum, { endedAt, intendedAt }) => sum + endedAt - intendedAt, 0) / 1000 /
    seconds;
  const failed = samples.length - ok.length;
  return {
    variant: first?.variant ?? "",
    load: first?.load ?? "",
    requests: samples.length,
    failed,
    interrupted: 0,
    seconds,
    offeredRate: samples.length / seconds,
    requestRate: estimateOf(ok.length / seconds),
    outputTokenRate: estimateOf(ok.reduce((sum, { outputTokens }) => sum + outputTokens, 0) / seconds),
    totalTokenRate: estimateOf(
      ok.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0) / seconds,
    ),
    goodput: Object.keys(plan.slo).length === 0
      ? null
      : estimateOf(samples.filter((sample) => meetsSlo(sample, plan.slo)).length / seconds),
    e2eMs: of("e2eMs"),
    sendToEndMs: of("sendToEndMs"),
    ttftMs: some("ttftMs"),
    tpotMs: some("tpotMs"),
    itlMs: distributionOf(ok.flatMap(itlGapsMs)),
    queueWaitMs: distributionOf(ok.flatMap(({ queueWaitMs }) => queueWaitMs ?? [])),
    latenessMs: of("latenessMs"),
    ...ledgerOf(ok),
    littlesLaw: { inSystem, rateTimesTime: inSystem * 1.01, residual: -0.0099 },
    verdict: failed === 0 ? { valid: true, findings: [] } : {
      valid: false,
      findings: [{ kind: "errors", text: `${failed} of ${samples.length} requests failed.` }],
    },
  };
}

function ledgerOf(ok: readonly Sample[]): Pick<CellSummary, "batches" | "phases"> {
  const timings = ok.flatMap(({ timing }) => timing ?? []);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const dispatches = [
    ...new Map(ok.flatMap(({ dispatch }) => dispatch ? [[dispatch.id, dispatch]] : [])).values(),
  ];
  const counts = (names: readonly (string | number)[]) =>
    Object.fromEntries([...Map.groupBy(names, String)].map(([name, { length }]) => [name, length]));
  return {
    batches: {
      count: dispatches.length,
      meanSize: mean(dispatches.map(({ size }) => size)),
      sizes: counts(dispatches.map(({ size }) => size)),
      reasons: counts(dispatches.map(({ reason }) => reason)),
    },
    phases: {
      generatorMs: mean(ok.map(({ sentAt, intendedAt }) => sentAt - intendedAt)),
      networkMs: 0.9,
      queueMs: mean(timings.map(({ queueMs }) => queueMs)),
      batchMs: mean(timings.map(({ batchMs }) => batchMs)),
      dispatchMs: 0.3,
      prefillMs: mean(timings.map(({ prefillMs }) => prefillMs)),
      decodeMs: mean(timings.map(({ decodeMs }) => decodeMs)),
      replyMs: 0.05,
      residualMs: -0.01,
      samples: timings.length,
    },
  };
}

/** The figures of one cell of which a test says what matters to it. */
export function cellSummaryOf(told: Partial<CellSummary>): CellSummary {
  const nothing = distributionOf([]);
  return {
    variant: "direct",
    load: "1 client",
    requests: 100,
    failed: 0,
    interrupted: 0,
    seconds: 10,
    offeredRate: 10,
    requestRate: estimateOf(10),
    outputTokenRate: estimateOf(480),
    totalTokenRate: estimateOf(580),
    goodput: null,
    e2eMs: nothing,
    sendToEndMs: nothing,
    ttftMs: nothing,
    tpotMs: nothing,
    itlMs: nothing,
    queueWaitMs: nothing,
    latenessMs: nothing,
    batches: null,
    phases: null,
    littlesLaw: { inSystem: 1, rateTimesTime: 1, residual: 0 },
    verdict: { valid: true, findings: [] },
    ...told,
  };
}
