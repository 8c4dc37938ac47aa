import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import { environmentOf, planOf } from "../../tests/support/bench/environment.ts";
import { ratioInterval } from "../metrics/resampling.ts";
import { statisticOf } from "../metrics/figure_names.ts";
import { changeOf, type ComparedFigure } from "./cells.ts";
import { compare, type Comparison } from "./comparison.ts";
import { parseLimits } from "./gate.ts";
import { ROUND_EVERY_MS, samplesOf, sideOf } from "../../tests/support/bench/recording.ts";
import { tableOfCell } from "./text.ts";

/** A second side's rounds after the first side's, each in its own half of the round's time. */
const IN_TURN = ROUND_EVERY_MS / 2;
/** After everything of the other side. */
const LATER = 1000 * ROUND_EVERY_MS;

Deno.test("a run compared with itself shows no difference in any figure", () => {
  const side = sideOf("run", { seed: 1 });
  const { cells: [cell], shown } = compare(side, side, {}, []);
  assert.equal(shown, 0);
  assert.ok(cell!.figures.length >= 10);
  const changes = cell!.figures.map(({ figure, change }) => `${figure} ${change}`);
  // Of 200 requests, nothing bounds the 99th percentile.
  assert.deepEqual(changes.filter((change) => !change.endsWith("same")), [
    "itl_p99 unknown",
    "e2e_p99 unknown",
  ]);
});

Deno.test("runs that are alike are called different about once in 20 times, in turns or apart", () => {
  for (const startMs of [IN_TURN, LATER]) {
    let alarms = 0;
    for (let pair = 0; pair < 200; pair++) {
      const base = samplesOf({ seed: 1000 + 2 * pair, requests: 10 });
      const next = samplesOf({ seed: 1001 + 2 * pair, requests: 10, startMs });
      const change = changeOf("e2e_p50", ratioInterval(base, next, statisticOf("e2e_p50", {})));
      if (change !== "same") alarms++;
    }
    assert.ok(alarms >= 3 && alarms <= 18, `${alarms} of 200`);
  }
});

Deno.test("a run that is a fifth slower is worse by a fifth", () => {
  const slower = sideOf("next", { seed: 2, slower: () => 1.2, startMs: LATER });
  const comparison = compare(sideOf("base", { seed: 1 }), slower, {}, []);
  for (
    const name of ["req_s", "out_tok_s", "ttft_p50", "ttft_p95", "tpot_p50", "e2e_p50", "e2e_p95"] as const
  ) {
    const { change, ratio } = figureIn(comparison, name);
    const expected = name.endsWith("_s") ? 1 / 1.2 : 1.2;
    assert.equal(change, "worse", name);
    assert.ok(ratio.low < expected && expected < ratio.high, `${name}: ${ratio.low} to ${ratio.high}`);
  }
  const back = compare(slower, sideOf("base", { seed: 1 }), {}, []);
  assert.equal(figureIn(back, "ttft_p95").change, "better");
  assert.equal(figureIn(back, "req_s").change, "better");
});

Deno.test("a drift that meets both sides hides a difference, and falls out when they took turns", () => {
  const drift = (round: number) => 1 + round / 4;
  const base = sideOf("base", { seed: 1, slower: drift });
  const next = (startMs: number) =>
    sideOf("next", { seed: 2, slower: (round) => 1.1 * drift(round), startMs });
  const paired = compareOnly("e2e_mean", base, next(IN_TURN));
  const apart = compareOnly("e2e_mean", base, next(LATER));
  assert.deepEqual([paired.cells[0]?.paired, apart.cells[0]?.paired], [true, false]);
  assert.equal(figureIn(paired, "e2e_mean").change, "worse");
  assert.equal(figureIn(apart, "e2e_mean").change, "same");
});

Deno.test("percentiles that fall on failures are worse without bound, and better the other way round", () => {
  const good = sideOf("base", { seed: 1 });
  const bad = sideOf("next", { seed: 2, failing: 0.3, startMs: LATER });
  const worse = figureIn(compare(good, bad, {}, []), "ttft_p95");
  assert.deepEqual([worse.next.value, worse.ratio.value, worse.change], [Infinity, Infinity, "worse"]);
  assert.equal(figureIn(compare(bad, good, {}, []), "ttft_p95").change, "better");
  const both = figureIn(
    compare(bad, sideOf("next", { seed: 3, failing: 0.3, startMs: LATER }), {}, []),
    "e2e_p95",
  );
  assert.equal(both.change, "unknown");
});

Deno.test("a percentile of few requests is never called different: nothing bounds it", () => {
  const few = { rounds: 6, requests: 5 };
  const base = sideOf("base", { seed: 1, ...few });
  const next = sideOf("next", { seed: 2, slower: () => 2, startMs: LATER, ...few });
  const comparison = compare(base, next, {}, []);
  assert.equal(figureIn(comparison, "e2e_p50").change, "worse");
  assert.equal(figureIn(comparison, "e2e_p99").change, "unknown");
  assert.ok(figureIn(comparison, "e2e_p99").next.few);
});

Deno.test("goodput is compared where an SLO is stated", () => {
  const base = sideOf("base", { seed: 1 });
  const next = sideOf("next", { seed: 2, slower: () => 1.2, startMs: LATER });
  assert.ok(!compare(base, next, {}, []).cells[0]!.figures.some(({ figure }) => figure === "goodput"));
  assert.equal(figureIn(compare(base, next, { e2eMs: 100 }, []), "goodput").change, "worse");
});

Deno.test("no failures on either side are the same, and no goodput on either side is nothing to compare", () => {
  const side = sideOf("base", { seed: 1 });
  const limits = parseLimits(["failed_share>+10%", "goodput<-10%"]);
  const comparison = compare(side, side, { e2eMs: 1 }, limits);
  const { ratio, change } = figureIn(comparison, "failed_share");
  assert.deepEqual({ ratio, change }, { ratio: { value: 1, low: NaN, high: NaN }, change: "same" });
  assert.equal(figureIn(comparison, "goodput").change, "unknown");
  assert.equal(comparison.intervals, 8, "of ten figures, for nothing bounds a 99th percentile");
  const row = tableOfCell(comparison.cells[0]!).rows.find(([figure]) => figure === "failed_share");
  assert.deepEqual(row?.slice(3), ["1.000", "-", "no difference shown"]);
});

Deno.test("one variant on each side is matched whatever its name, else names must be the same", () => {
  const direct = sideOf("base", { seed: 1 });
  const queued = sideOf("next", { seed: 2, variant: "queued" });
  assert.deepEqual(variantsIn(compare(direct, queued, {}, [])), [["direct", "queued"]]);
  const both = { ...queued, samples: [...queued.samples, ...samplesOf({ seed: 3 })] };
  const comparison = compare(direct, both, {}, []);
  assert.deepEqual(variantsIn(comparison), [["direct", "direct"]]);
  assert.deepEqual(comparison.unmatched, [{ onlyIn: "NEW", variant: "queued", load: "1 client" }]);
});

Deno.test("sides without a common load are refused with what each has", () => {
  const base = sideOf("base", { seed: 1 });
  const other = sideOf("next", { seed: 2 });
  const next = { ...other, samples: other.samples.map((sample) => ({ ...sample, load: "8 clients" })) };
  assert.throws(
    () => compare(base, next, {}, []),
    (thrown: Error) =>
      thrown instanceof StartupError &&
      /BASE has direct, 1 client; NEW has direct, 8 clients$/.test(thrown.message),
  );
});

Deno.test("what else differs between two runs is told by name", () => {
  const machine = { ...environmentOf().machine, cores: 8, loadAverage: 3 };
  const plan = planOf({ variants: [{ name: "direct", mode: "direct", settings: { QUEUE_CAPACITY: 9 } }] });
  const git = { commit: "abc", changed: false };
  const base = sideOf("base", { seed: 1 });
  const next = sideOf("next", { seed: 1 }, { machine, git, plan: { ...plan, seed: 7 }, startedAt: "later" });
  assert.deepEqual(compare(base, next, {}, []).differences, [
    "variant direct: settings.QUEUE_CAPACITY: none against 9",
    "machine.cores: 2 against 8",
    "plan.seed: 1 against 7",
    "git.commit: none against abc",
    "git.changed: none against false",
  ]);
  assert.deepEqual(compare(base, base, {}, []).differences, []);
});

function compareOnly(
  figure: "e2e_p50" | "e2e_mean",
  base: ReturnType<typeof sideOf>,
  next: typeof base,
): Comparison {
  return compare(base, next, {}, [{ text: "", figure, kind: "change", bound: 2 }]);
}

function figureIn({ cells }: Comparison, name: string): ComparedFigure {
  const found = cells[0]?.figures.find(({ figure }) => figure === name);
  assert.ok(found, `${name} was compared`);
  return found;
}

function variantsIn({ cells }: Comparison): string[][] {
  return cells.map(({ base, next }) => [base.variant, next.variant]);
}
