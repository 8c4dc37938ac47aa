import type { ParsedSettings } from "../../src/config/parse.ts";
import type { Millis } from "../../src/core/types.ts";
import type { CellSummary } from "../metrics/cell_summary.ts";
import { figure, percent, withInterval } from "../words.ts";
import { type Column, tableOf, tableText } from "../report/table.ts";
import { PHASES } from "../report/tables.ts";
import { serveCommand, simplest } from "./candidates.ts";
import { answerOf, type Dropped } from "./halving.ts";
import {
  type Candidate,
  holds,
  type Kept,
  probabilityBetter,
  standingOf,
  type Tuned,
  type Tuning,
} from "./tune.ts";

/** The finalists and the answer, for people. */
export function tuningText(
  tuned: Tuned,
  tuning: Tuning,
  engine: ParsedSettings,
  tookMs: Millis,
): string {
  const measured = tuned.finalists.filter(({ samples }) => samples.length > 0);
  if (measured.length === 0) return "Nothing was measured.";
  const details = new Map(measured.map((one) => [one.variant.name, { one, ...standingOf(one, tuning) }]));
  const of = (name: string) => details.get(name)!;
  const answer = answerOf(
    [...details.values()].map(({ standing }) => standing),
    (name, than) => probabilityBetter(of(name).one.samples, of(than).one.samples, tuning.plan.slo),
  )!;
  const best = of(answer.best.name);
  const alike = answer.rivals.filter(({ toldApart }) => !toldApart);
  const worse = answer.rivals.filter(({ toldApart }) => toldApart);
  const candidates = measured.length + tuned.dropped.length;
  return [
    tuned.complete ? "Finalists:" : "What is left of the candidates:",
    finalistTable([...details.values()]),
    answer.noneHolds
      ? `No settings keep ${constraintText(best.kept)}. ${answer.best.name} came nearest: ${
        keptText(best.kept)
      }; ${limitText(best.summary)}.`
      : `Best for ${tuning.load.name}: ${answer.best.name}, with a goodput of ${
        best.summary.goodput ? withInterval(best.summary.goodput) : "-"
      } requests/s.`,
    ...(answer.noneHolds || best.kept.length === 0 ? [] : [`It keeps ${keptText(best.kept)}.`]),
    ...(answer.noneHolds ? [] : [...details.values()].filter(({ standing }) => !standing.holds)
      .map(({ one, kept }) => `${one.variant.name} does not keep ${constraintText(kept)}.`)),
    ...worse.map(({ name, probability }) => `It is better than ${name} with ${sure(probability)}.`),
    ...alikeText(best.one, alike.map(({ name, probability }) => ({ one: of(name).one, probability }))),
    ...droppedText(tuned.dropped, answer.best.low),
    `${candidates} candidates, ${tuned.turns} turns, ${(tookMs / 60_000).toFixed(1)} minutes${
      tuned.complete ? "" : "; stopped before the final was over, so less sure than it would be"
    }.`,
    ...(answer.noneHolds ? [] : ["", ...commands(best.one, alike.map(({ name }) => of(name).one), engine)]),
  ].join("\n");
}

interface Finalist {
  readonly one: Candidate;
  readonly summary: CellSummary;
  readonly kept: readonly Kept[];
}

function finalistTable(finalists: readonly Finalist[]): string {
  const constraints = finalists[0]?.kept ?? [];
  const columns: Column<Finalist>[] = [
    { head: "\nvariant", kind: "name", text: ({ one }) => one.variant.name },
    { head: "\nrequests", text: ({ summary }) => String(summary.requests) },
    {
      head: "goodput\nreq/s",
      text: ({ summary: { goodput } }) => goodput ? withInterval(goodput) : "-",
    },
    ...constraints.map(({ constraint, limitMs }, at): Column<Finalist> => ({
      head: `<= ${limitMs} ms\n${constraint.latency}, ${constraint.percent} %`,
      text: ({ kept }) => percent(kept[at]?.share ?? NaN),
    })),
  ];
  return tableText(tableOf(columns, finalists));
}

function constraintText(kept: readonly Kept[]): string {
  return kept.filter((one) => !holds(one)).map(nameOf).join(" and ");
}

function keptText(kept: readonly Kept[]): string {
  return kept.map((one) =>
    `${nameOf(one)} by ${exact(one.share)} of the requests (${exact(one.low)} to ${exact(one.high)})`
  ).join(", ");
}

function nameOf({ constraint: { latency, percent }, limitMs }: Kept): string {
  return `${latency}_p${percent}=${limitMs}ms`;
}

/** Says in which phases a slow candidate spends most of its time. */
function limitText({ phases, failed, requests }: CellSummary): string {
  if (failed > requests / 10) return `${percent(failed / requests)} of its requests failed`;
  if (phases === null) return "where its time went is not known";
  const parts = PHASES.map(([key, name]) => ({ name, ms: phases[key] })).sort((a, b) => b.ms - a.ms);
  const totalMs = parts.reduce((sum, { ms }) => sum + ms, 0);
  const shown = parts.slice(0, 2).map(({ name, ms }) => `${name} ${percent(ms / totalMs)}`);
  return `of its mean ${figure(totalMs)} ms went ${shown.join(" and ")}`;
}

function commands(best: Candidate, alike: readonly Candidate[], engine: ParsedSettings): string[] {
  const simple = simplest([best, ...alike].map(({ variant }) => variant)) ?? best.variant;
  const lines = [`  ${serveCommand(best.variant, engine)}`];
  return simple.name === best.variant.name
    ? lines
    : [...lines, `  ${serveCommand(simple, engine)}   (the simplest)`];
}

function alikeText(best: Candidate, alike: readonly { one: Candidate; probability: number }[]): string[] {
  if (alike.length === 0) return [];
  const names = alike.map(({ one, probability }) => `${one.variant.name} (better with ${sure(probability)})`);
  const simple = simplest([best, ...alike.map(({ one }) => one)].map(({ variant }) => variant));
  return [
    `It cannot be told apart from ${names.join(", ")}. ${
      simple?.name === best.variant.name
        ? "It is the simplest of them."
        : `The simplest of them is ${simple?.name}.`
    }`,
  ];
}

const MOST_NAMES = 6;

/** Dropped candidates that may be as good, so that nobody takes the finalists for the only good ones. */
function droppedText(dropped: Tuned["dropped"], bestLow: number): string[] {
  const near = dropped.filter(({ why, goodput }) => mayBeAsGood(why, goodput, bestLow));
  if (near.length === 0) return [];
  const names = near.slice(0, MOST_NAMES).map(({ name }) => name);
  const more = near.length > MOST_NAMES ? `, and ${near.length - MOST_NAMES} more` : "";
  return [
    `Dropped by rank in a short turn, so perhaps as good: ${
      names.join(", ")
    }${more}. Name them with --variant to be surer.`,
  ];
}

function mayBeAsGood(why: Dropped["why"], goodput: CellSummary["goodput"], bestLow: number): boolean {
  return why === "rank" && goodput !== null && !(goodput.high < bestLow);
}

function sure(probability: number): string {
  return probability > 0.999
    ? "more than 99.9 %"
    : `${(probability * 100).toFixed(probability > 0.99 ? 1 : 0)} %`;
}

function exact(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
