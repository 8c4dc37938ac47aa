import type { ReportInput } from "../input.ts";
import { goodputChart, percentileChart } from "./bars.ts";
import { batchSizeChart, timelineChart } from "./batches.ts";
import { cdfChart } from "./cdf.ts";
import { type Chart, subjectOf } from "./chart.ts";
import { overTimeChart } from "./over_time.ts";
import { paretoChart } from "./pareto.ts";
import { phaseChart } from "./phases.ts";

/** Every chart that the run has data for, in the order of a reader's questions. */
export function chartsOf(input: ReportInput): Chart[] {
  const subject = subjectOf(input);
  return [
    paretoChart(subject),
    goodputChart(subject),
    percentileChart(subject, "e2eMs"),
    percentileChart(subject, "ttftMs"),
    cdfChart(subject, "e2eMs"),
    cdfChart(subject, "ttftMs"),
    phaseChart(subject),
    batchSizeChart(subject),
    timelineChart(subject),
    overTimeChart(subject, "ttftMs"),
    overTimeChart(subject, "tpotMs"),
  ].filter(({ panels }) => panels.length > 0);
}
