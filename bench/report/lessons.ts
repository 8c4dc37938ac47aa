import type { CellSummary } from "../metrics/cell_summary.ts";
import { figure } from "./format.ts";
import type { ReportInput } from "./input.ts";
import { type Ratio, ratioOf } from "./ratio.ts";

/**
 * What one learns, as sentences for people: at the last load that all shared, what the variant with the most output
 * tokens a second gained over the one with the fewest, and at which price; with a single variant, what more load did.
 * Empty where there is nothing to compare. Cells are taken as in the plan's order.
 */
export function lessonsOf({ plan, summary: { cells } }: ReportInput): string[] {
  const loads = plan.loads.map(({ name }) => name);
  const variants = [...new Set(cells.map(({ variant }) => variant))];
  if (variants.length < 2) return growth(cells);
  const shared = loads.findLast((load) => cells.filter((cell) => cell.load === load).length > 1);
  const ranked = cells
    .filter(({ load, outputTokenRate }) => load === shared && outputTokenRate.value > 0)
    .sort((a, b) => b.outputTokenRate.value - a.outputTokenRate.value);
  const best = ranked[0];
  const least = ranked.at(-1);
  if (best === undefined || least === undefined || best === least) return [];
  const lines = [comparison(best, least)];
  const second = ranked[1];
  const ahead = second && ratioOf(best.outputTokenRate, second.outputTokenRate);
  if (ranked.length > 2 && ahead && !ahead.differs) {
    lines.push(`The run can't tell ${best.variant} and ${second.variant} apart there: ${range(ahead)}.`);
  }
  return lines;
}

function comparison(best: CellSummary, least: CellSummary): string {
  const gain = ratioOf(best.outputTokenRate, least.outputTokenRate);
  const where = `At ${best.load}`;
  if (gain === undefined || !gain.differs) {
    return `${where} the variants gave output tokens at rates that this run can't tell apart` +
      (gain ? `: ${best.variant} over ${least.variant} is ${range(gain)}.` : ".");
  }
  return `${where} ${best.variant} gave ${quotient(gain)} times the output tokens/s of ${least.variant}` +
    `${priceOf(best, least)}.${doubt(best, least)}`;
}

function growth(cells: readonly CellSummary[]): string[] {
  const first = cells[0];
  const last = cells.at(-1);
  if (first === undefined || last === undefined || first === last) return [];
  const gain = ratioOf(last.outputTokenRate, first.outputTokenRate);
  if (gain === undefined) return [];
  return [
    `From ${first.load} to ${last.load}, ${last.variant} gave ${quotient(gain)} times the output tokens/s` +
    `${priceOf(last, first)}.${doubt(first, last)}`,
  ];
}

function priceOf(of: CellSummary, to: CellSummary): string {
  const ratio = ratioOf(of.e2eMs.p95, to.e2eMs.p95);
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
