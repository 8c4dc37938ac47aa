import Table from "cli-table3";
import { estimate, figure, percent } from "../report/format.ts";
import type { VariantSaturation } from "./saturate.ts";
import { borderOf } from "./saturation.ts";

/** The trials of a variant and what they show, for people. */
export function saturationText(found: VariantSaturation): string {
  return found.trials.length === 0
    ? saturationSentence(found)
    : `Trials of ${found.variant.name}:\n${trialTable(found)}\n${saturationSentence(found)}`;
}

function trialTable({ trials }: VariantSaturation): string {
  const withSlo = trials.some(({ sloShare }) => sloShare !== null);
  const table = new Table({
    head: ["rate", "answers/s", "TTFT p95 ms", "E2E p95 ms", ...(withSlo ? ["kept SLO"] : []), "outcome"],
    colAligns: ["right", "right", "right", "right", ...(withSlo ? ["right" as const] : []), "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const { rate, outcome, why, sloShare, summary: { requestRate, ttftMs, e2eMs } } of trials) {
    table.push([
      String(rate),
      figure(requestRate.value),
      estimate(ttftMs.p95),
      estimate(e2eMs.p95),
      ...(withSlo ? [percent(sloShare ?? NaN)] : []),
      outcome === "kept"
        ? "kept"
        : outcome === "generator"
        ? "the generator was late"
        : `not kept: ${short(why)}`,
    ]);
  }
  return table.toString();
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
