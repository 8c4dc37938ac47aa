import { samplesOf } from "../metrics/requests.ts";
import { ratioInterval } from "../metrics/resampling.ts";
import type { CellSummary } from "../metrics/cell_summary.ts";
import { type FigureName, figureOf, statisticOf } from "../metrics/figure_names.ts";
import { figure } from "../words.ts";
import type { ReportInput } from "./input.ts";

/** How many times one cell's figure is another's, with its 95 % interval. */
interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Undefined where the samples don't bound the ratio, or failures are part of it. */
type RatioOf = (name: FigureName, of: CellSummary, to: CellSummary) => Ratio | undefined;

/**
 * What one learns, as sentences for people: at the last load that all shared, what the variant with the most output
 * tokens a second gained over the one with the fewest, and at which price; with a single variant, what more load did.
 * Empty where there is nothing to compare. Cells are taken as in the plan's order; the ratios are those of `compare`.
 */
export function lessonsOf(input: ReportInput): string[] {
  const { plan, summary: { cells } } = input;
  const ratioOf = ratiosOf(input);
  const loads = plan.loads.map(({ name }) => name);
  const variants = [...new Set(cells.map(({ variant }) => variant))];
  if (variants.length < 2) return growth(cells, ratioOf);
  const shared = loads.findLast((load) => cells.filter((cell) => cell.load === load).length > 1);
  const ranked = cells
    .filter(({ load, outputTokenRate }) => load === shared && outputTokenRate.value > 0)
    .sort((a, b) => b.outputTokenRate.value - a.outputTokenRate.value);
  const best = ranked[0];
  const least = ranked.at(-1);
  if (best === undefined || least === undefined || best === least) return [];
  const lines = [comparison(best, least, ratioOf)];
  const second = ranked[1];
  const ahead = second && ratioOf("out_tok_s", best, second);
  if (ranked.length > 2 && ahead && !differs(ahead)) {
    lines.push(`The run can't tell ${best.variant} and ${second.variant} apart there: ${range(ahead)}.`);
  }
  return lines;
}

function ratiosOf({ plan, samples }: ReportInput): RatioOf {
  return (name, of, to) => {
    const { value, low, high } = ratioInterval(
      samplesOf(samples, to),
      samplesOf(samples, of),
      statisticOf(name, plan.slo),
    );
    const bounds = [value, low, high, figureOf(of, name).high, figureOf(to, name).high];
    return bounds.every((bound) => bound > 0 && Number.isFinite(bound)) ? { value, low, high } : undefined;
  };
}

function differs({ low, high }: Ratio): boolean {
  return low > 1 || high < 1;
}

function comparison(best: CellSummary, least: CellSummary, ratioOf: RatioOf): string {
  const gain = ratioOf("out_tok_s", best, least);
  const where = `At ${best.load}`;
  if (gain === undefined || !differs(gain)) {
    return `${where} the variants gave output tokens at rates that this run can't tell apart` +
      (gain ? `: ${best.variant} over ${least.variant} is ${range(gain)}.` : ".");
  }
  return `${where} ${best.variant} gave ${quotient(gain)} times the output tokens/s of ${least.variant}` +
    `${priceOf(best, least, ratioOf)}.${doubt(best, least)}`;
}

function growth(cells: readonly CellSummary[], ratioOf: RatioOf): string[] {
  const first = cells[0];
  const last = cells.at(-1);
  if (first === undefined || last === undefined || first === last) return [];
  const gain = ratioOf("out_tok_s", last, first);
  if (gain === undefined) return [];
  return [
    `From ${first.load} to ${last.load}, ${last.variant} gave ${quotient(gain)} times the output tokens/s` +
    `${priceOf(last, first, ratioOf)}.${doubt(first, last)}`,
  ];
}

function priceOf(of: CellSummary, to: CellSummary, ratioOf: RatioOf): string {
  const ratio = ratioOf("e2e_p95", of, to);
  if (ratio) return `, at ${quotient(ratio)} times the p95 E2E latency`;
  const [mine, other] = [of.e2eMs.p95.value, to.e2eMs.p95.value];
  if (Number.isNaN(mine) || Number.isNaN(other)) return "";
  return `; p95 E2E latency: ${latency(mine)} against ${latency(other)}`;
}

function doubt(...cells: readonly CellSummary[]): string {
  return cells.every(({ verdict }) => verdict.valid) ? "" : " That rests on cells that are NOT VALID.";
}

function latency(ms: number): string {
  return ms === Infinity ? "a failure" : `${figure(ms)} ms`;
}

function quotient({ value, low, high }: Ratio): string {
  return `${figure(value)} (${figure(low)} to ${figure(high)})`;
}

function range({ value, low, high }: Ratio): string {
  return `${figure(value)} times, from ${figure(low)} to ${figure(high)}`;
}
