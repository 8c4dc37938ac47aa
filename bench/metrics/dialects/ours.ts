import type { Slo } from "../../plan.ts";
import type { Sample } from "../../record/sample.ts";
import { type FigureName, statisticOf } from "../figure_names.ts";
import { type Concept, CONCEPTS, type Dialect, type DialectFigures, unitOf } from "./dialect.ts";

/** Our own definitions, told as one dialect more: the values are those of summary.json. */
export const ours: Dialect = { name: "Omnispan", read: "bench/metrics/request.ts", without: {}, score };

const TTFT = "Intended instant to first text; a failed request never had one.";
const TPOT =
  "(E2E - TTFT) / (output tokens - 1), of each request with two or more; infinite for a failed one.";
const ITL = "Gaps between tokens, of all requests together; those of one chunk come at once.";
const E2E = "Intended instant to end; a failed request is infinitely late.";
const MEASURED = "over first intended instant to last end";

const FIGURES: Readonly<Record<Concept, readonly [name: FigureName, definition: string]>> = {
  "TTFT mean": ["ttft_mean", TTFT],
  "TTFT p50": ["ttft_p50", TTFT],
  "TTFT p99": ["ttft_p99", TTFT],
  "TPOT mean": ["tpot_mean", TPOT],
  "TPOT p50": ["tpot_p50", TPOT],
  "TPOT p99": ["tpot_p99", TPOT],
  "ITL mean": ["itl_mean", ITL],
  "ITL p50": ["itl_p50", ITL],
  "ITL p99": ["itl_p99", ITL],
  "E2E mean": ["e2e_mean", E2E],
  "E2E p50": ["e2e_p50", E2E],
  "E2E p99": ["e2e_p99", E2E],
  "output tok/s": ["out_tok_s", `Output tokens of successful requests, ${MEASURED}.`],
  "req/s": ["req_s", `Successful requests, ${MEASURED}.`],
  "goodput": ["goodput", `Requests that kept every stated limit, ${MEASURED}.`],
};

function score(samples: readonly Sample[], slo: Slo): DialectFigures {
  const figures = CONCEPTS.map((concept) => {
    const [name, definition] = FIGURES[concept];
    return {
      concept,
      name,
      value: statisticOf(name, slo)(samples),
      unit: unitOf(concept),
      definition,
      differs: [],
    };
  });
  return { figures, remarks: [] };
}
