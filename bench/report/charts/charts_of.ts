import type { ReportInput } from "../input.ts";
import { batchSizeChart, timelineChart } from "./batches.ts";
import { type Chart, subjectOf } from "./chart.ts";
import { goodputChart, percentileChart, phaseChart, throughputLatencyChart } from "./estimates.ts";
import { cdfChart, overTimeChart } from "./requests.ts";

/** Every chart that the run has data for, in the order of a reader's questions. */
export function chartsOf(input: ReportInput): Chart[] {
  const subject = subjectOf(input);
  return [
    throughputLatencyChart(subject),
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
