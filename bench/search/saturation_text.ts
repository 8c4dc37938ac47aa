import { estimate, figure, percent } from "../words.ts";
import { type Column, tableOf, tableText } from "../report/table.ts";
import type { VariantSaturation } from "./saturate.ts";
import { borderOf } from "./saturation.ts";
import type { JudgedTrial } from "./trial.ts";

/** The trials of a variant and what they show, for people. */
export function saturationText(found: VariantSaturation): string {
  return found.trials.length === 0
    ? saturationSentence(found)
    : `Trials of ${found.variant.name}:\n${trialTable(found)}\n${saturationSentence(found)}`;
}

interface NumberedTrial {
  readonly number: number;
  readonly trial: JudgedTrial;
}

const COLUMNS: readonly Column<NumberedTrial>[] = [
  { head: "trial", text: ({ number }) => String(number) },
  { head: "rate", text: ({ trial }) => String(trial.rate) },
  { head: "answers/s", text: ({ trial: { summary } }) => figure(summary.requestRate.value) },
  { head: "TTFT p95 ms", text: ({ trial: { summary } }) => estimate(summary.ttftMs.p95) },
  { head: "E2E p95 ms", text: ({ trial: { summary } }) => estimate(summary.e2eMs.p95) },
];
const KEPT_SLO: Column<NumberedTrial> = {
  head: "kept SLO",
  text: ({ trial }) => percent(trial.sloShare ?? NaN),
};
const OUTCOME: Column<NumberedTrial> = {
  head: "outcome",
  kind: "name",
  text: ({ trial }) => outcomeText(trial),
};

function trialTable({ trials }: VariantSaturation): string {
  const slo = trials.some(({ sloShare }) => sloShare !== null) ? [KEPT_SLO] : [];
  const numbered = trials.map((trial, at) => ({ number: at + 1, trial }));
  return tableText(tableOf([...COLUMNS, ...slo, OUTCOME], numbered));
}

function outcomeText({ outcome, why }: Pick<JudgedTrial, "outcome" | "why">): string {
  switch (outcome) {
    case "kept":
      return "kept";
    case "not_kept":
      return `not kept: ${short(why)}`;
    case "generator":
      return "the generator was late";
    case "too_short":
      return "kept, but short for its latency: repeated for longer";
    default:
      return outcome satisfies never;
  }
}

/** A finding's full sentence stands in the report of its cell. */
function short(why: string): string {
  const [first = ""] = why.split(/[:(]/);
  return first.trim();
}

/** What the search says, with how far it can be trusted. */
export function saturationSentence({ variant: { name }, trials, answer }: VariantSaturation): string {
  const { kept, notKept } = answer ?? borderOf(trials);
  const counted = `${trials.length} trial${trials.length === 1 ? "" : "s"}`;
  const between = kept === null
    ? `${name} kept up with no rate that was tried${
      notKept === null ? "" : `, the lowest not kept being ${notKept} requests/s`
    }`
    : notKept === null
    ? `${name} keeps up with ${kept} requests/s`
    : `${name} keeps up with ${kept} requests/s and not with ${notKept}`;
  if (answer === null) return `${between}: that is what ${counted} had shown when the search ended early.`;
  switch (answer.limit) {
    case "generator":
      return `${between}. The load generator was the limit, not the engine: it was late in two trials, the last at ${
        trials.at(-1)?.rate
      } requests/s.`;
    case "highest_rate":
      return `${between}, the highest rate that is tried.`;
    case "trials":
      return `${between}. The search ended after ${counted}, so the border is less sure than it should be.`;
    case "engine":
      return kept === null
        ? `${between} (${counted}).`
        : `${between}; a second trial near either rate said the same (${counted}).`;
    default:
      return answer.limit satisfies never;
  }
}
