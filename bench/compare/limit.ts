/** What `--fail-on` asks for: the change or the value of a figure from which on a comparison fails. */
import { StartupError } from "../../src/core/errors.ts";
import { type FigureName, higherIsBetter, parseFigureName } from "../metrics/figure_names.ts";

export interface Limit {
  /** As it was typed. */
  readonly text: string;
  readonly figure: FigureName;
  /** `change`: the ratio NEW / BASE that is still kept. `value`: NEW's figure that is still kept, in the figure's own unit. */
  readonly kind: "change" | "value";
  readonly bound: number;
}

const FORM = /^(\w+)\s*([<>])\s*([+-]?)(\d{1,9}(?:\.\d{1,9})?)\s*(%|ms|s)?$/;
const RULE = "--fail-on must be FIGURE>+PERCENT%, FIGURE<-PERCENT% or a limit like ttft_p95>500ms";

/**
 * `ttft_p95>+10%` and `req_s<-5%` limit a change, `ttft_p95>500ms`, `req_s<20` and `failed_share>1%` a value. Only the
 * worse direction can be limited: a gate that fails when something got better is a mistake of its author.
 * @throws {StartupError} with one line that names what is wrong
 */
export function parseLimit(text: string): Limit {
  const [, name = "", sign, signOfChange, digits, unit = ""] = FORM.exec(text.trim()) ?? [];
  if (digits === undefined) throw new StartupError([`${RULE}, got ${JSON.stringify(text)}`]);
  const figure = parseFigureName(name);
  const worse = higherIsBetter(figure) ? "<" : ">";
  if (sign !== worse) {
    const better = higherIsBetter(figure) ? "higher" : "lower";
    throw new StartupError([
      `--fail-on must limit the worse direction: ${figure} is better when ${better}, so ${figure}${worse}..., got ${
        JSON.stringify(text)
      }`,
    ]);
  }
  const number = Number(digits);
  if (signOfChange === "") {
    return { text, figure, kind: "value", bound: inItsUnit(figure, number, unit, text) };
  }
  const rises = worse === ">";
  if (unit !== "%" || (signOfChange === "+") !== rises || (!rises && number >= 100)) {
    throw new StartupError([
      `--fail-on must limit a change of ${figure} as ${figure}${
        rises ? ">+PERCENT%" : "<-PERCENT% with less than 100 %"
      }, got ${JSON.stringify(text)}`,
    ]);
  }
  return { text, figure, kind: "change", bound: rises ? 1 + number / 100 : 1 - number / 100 };
}

/** All of them, or the problems of all. @throws {StartupError} */
export function parseLimits(texts: readonly string[]): Limit[] {
  const problems: string[] = [];
  const limits = texts.flatMap((text) => {
    try {
      return [parseLimit(text)];
    } catch (thrown) {
      if (!(thrown instanceof StartupError)) throw thrown;
      problems.push(...thrown.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new StartupError(problems);
  return limits;
}

/** Milliseconds for latencies, a fraction for shares, else a plain number a second. */
function inItsUnit(figure: FigureName, number: number, unit: string, text: string): number {
  const factors: Readonly<Record<string, number>> = unitsOf(figure);
  const factor = factors[unit];
  if (factor !== undefined) return number * factor;
  const allowed = Object.keys(factors).map((name) => name || "no unit").join(" or ");
  throw new StartupError([
    `--fail-on must limit ${figure} with ${allowed}${
      unit === "%" ? ", or its change with a sign before the per cent" : ""
    }, got ${JSON.stringify(text)}`,
  ]);
}

function unitsOf(figure: FigureName): Readonly<Record<string, number>> {
  if (figure === "failed_share") return { "%": 0.01, "": 1 };
  return isLatency(figure) ? { ms: 1, s: 1000 } : { "": 1 };
}

export function isLatency(figure: FigureName): boolean {
  return /_(mean|p\d+)$/.test(figure);
}
