import type { CellSummary, Estimate, RunSummary } from "../metrics/cell_summary.ts";
import { figure } from "./format.ts";
import { type Ratio, ratioOf } from "./ratio.ts";

/**
 * What one learns, as sentences for people: at the last load that all shared, what the variant with the most output
 * tokens a second gained over the one with the fewest, and at which price; with a single variant, what more load did.
 * Empty where there is nothing to compare.
 */
export function lessonsOf({ cells }: RunSummary): string[] {
  const loads = [...new Set(cells.map(({ load }) => load))];
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
    lines.push(`The run can't tell ${best.variant} and ${second.variant} apart there (${quotient(ahead)}).`);
  }
  return lines;
}

function comparison(best: CellSummary, least: CellSummary): string {
  const gain = ratioOf(best.outputTokenRate, least.outputTokenRate);
  const where = `At ${best.load}`;
  if (gain === undefined || !gain.differs) {
    return `${where} the variants gave output tokens at rates that this run can't tell apart` +
      (gain ? ` (${best.variant} over ${least.variant}: ${quotient(gain)}).` : ".");
  }
  return `${where} ${best.variant} gave ${
    quotient(gain)
  } times the output tokens/s of ${least.variant}, at ` +
    `${priceOf(best.e2eMs.p95, least.e2eMs.p95)} its p95 E2E latency.`;
}

function growth(cells: readonly CellSummary[]): string[] {
  const first = cells[0];
  const last = cells.at(-1);
  if (first === undefined || last === undefined || first === last) return [];
  const gain = ratioOf(last.outputTokenRate, first.outputTokenRate);
  if (gain === undefined) return [];
  return [
    `From ${first.load} to ${last.load}, ${last.variant} gave ${
      quotient(gain)
    } times the output tokens/s, at ` +
    `${priceOf(last.e2eMs.p95, first.e2eMs.p95)} the p95 E2E latency.`,
  ];
}

function priceOf(of: Estimate, to: Estimate): string {
  const ratio = ratioOf(of, to);
  return ratio ? `${quotient(ratio)} times` : `${figure(of.value)} against ${figure(to.value)} ms of`;
}

function quotient({ value, low, high }: Ratio): string {
  return `${figure(value)} (${figure(low)} to ${figure(high)})`;
}
