import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import { exitCodeOf } from "../commands/compare.ts";
import { compare } from "./comparison.ts";
import { parseLimit, parseLimits } from "./gate.ts";
import type { Side } from "./cells.ts";
import { type Made, ROUND_EVERY_MS, samplesOf, sideOf } from "../../tests/support/bench/recording.ts";

Deno.test("a change is limited by a signed per cent in the worse direction", () => {
  assert.deepEqual(parseLimit("ttft_p95>+10%"), {
    text: "ttft_p95>+10%",
    figure: "ttft_p95",
    kind: "change",
    bound: 1.1,
  });
  assert.equal(parseLimit("req_s < -5%").bound, 0.95);
  assert.equal(parseLimit("e2e_mean>+0%").bound, 1);
});

Deno.test("a value is limited in the figure's own unit", () => {
  const bound = (text: string) => {
    const limit = parseLimit(text);
    assert.equal(limit.kind, "value");
    return limit.bound;
  };
  assert.equal(bound("ttft_p95>500ms"), 500);
  assert.equal(bound("e2e_p99>1.5s"), 1500);
  assert.equal(bound("req_s<20"), 20);
  assert.equal(bound("failed_share>1%"), 0.01);
});

Deno.test("what can't be a limit is refused with the rule and the value", () => {
  const cases: [text: string, problem: RegExp][] = [
    ["ttft_p95", /^--fail-on must be FIGURE>\+PERCENT%.*got "ttft_p95"$/],
    ["ttft>+10%", /^a figure must be one of .*ttft_p95.*got "ttft"$/],
    [
      "ttft_p95<-10%",
      /worse direction: ttft_p95 is better when lower, so ttft_p95>\.\.\., got "ttft_p95<-10%"$/,
    ],
    ["req_s>+10%", /worse direction: req_s is better when higher, so req_s<\.\.\./],
    ["ttft_p95>-10%", /must limit a change of ttft_p95 as ttft_p95>\+PERCENT%/],
    ["req_s<+10%", /must limit a change of req_s as req_s<-PERCENT%/],
    ["req_s<-100%", /less than 100 %, got "req_s<-100%"$/],
    ["ttft_p95>+10ms", /must limit a change of ttft_p95 as/],
    ["ttft_p95>10%", /must limit ttft_p95 with ms or s, or its change with a sign before the per cent/],
    ["ttft_p95>500", /must limit ttft_p95 with ms or s, got/],
    ["req_s<20ms", /must limit req_s with no unit, got/],
  ];
  for (const [text, problem] of cases) {
    assert.throws(() => parseLimit(text), (thrown: Error) => {
      assert.ok(thrown instanceof StartupError);
      assert.match(thrown.message, problem);
      return true;
    });
  }
});

Deno.test("the problems of all limits are told at once", () => {
  assert.throws(() => parseLimits(["nonsense", "req_s<-5%", "x>+1%"]), (thrown: StartupError) => {
    assert.equal(thrown.problems.length, 2);
    return true;
  });
});

/** Enough for a p95, and long enough to be valid. */
const BASE: Made = { seed: 1 };
const LATER = { startMs: 1e9 };

Deno.test("runs that are alike keep a limit, and the command ends well", () => {
  const { outcomes, reasons, code } = judged(["e2e_p50>+10%", "req_s<-10%"], BASE, { seed: 2, ...LATER });
  assert.deepEqual({ outcomes, reasons, code }, { outcomes: ["kept", "kept"], reasons: [], code: 0 });
});

Deno.test("a run that is a fifth slower breaks a limit of a tenth and keeps one of a half", () => {
  const slower = { seed: 2, slower: () => 1.2, ...LATER };
  const { outcomes, code } = judged(["ttft_p95>+10%", "req_s<-10%", "e2e_p50>+50%"], BASE, slower);
  assert.deepEqual({ outcomes, code }, { outcomes: ["broken", "broken", "kept"], code: 3 });
});

Deno.test("a change beyond the bound that may be chance breaks nothing", () => {
  const noisy = { rounds: 6, requests: 20 };
  const drift = (round: number) => 1 + round / 2;
  const base = { seed: 1, slower: drift, ...noisy };
  const next = { seed: 2, slower: (round: number) => 1.1 * drift(round), ...LATER, ...noisy };
  const { ratio, outcomes } = judged(["e2e_mean>+5%"], base, next);
  assert.ok(ratio > 1.05, `${ratio}`);
  assert.deepEqual(outcomes, ["kept"]);
});

Deno.test("a limit that is kept for want of samples says how bad it may be", () => {
  const few = { rounds: 6, requests: 9 };
  const { reasons } = judged(["e2e_p50>+1%"], { seed: 1, ...few }, { seed: 3, ...LATER, ...few });
  assert.match(reasons.join(), /^but new \/ base may be as much as 1\.\d+; more samples would tell$/);
});

Deno.test("a value is broken when NEW's figure is beyond it, whatever BASE had", () => {
  const { outcomes, code } = judged(["e2e_p50>90ms", "e2e_p50>2s", "req_s<100"], BASE, BASE);
  assert.deepEqual(outcomes, ["broken", "kept", "broken"]);
  assert.equal(code, 3);
});

Deno.test("failures break a limit on a percentile that falls on them", () => {
  const { outcomes, code } = judged(["ttft_p95>+10%"], BASE, { seed: 2, failing: 0.3, ...LATER });
  assert.deepEqual(outcomes, ["broken"]);
  assert.equal(code, 3);
});

Deno.test("a figure that isn't there decides nothing and does not pass", () => {
  const inOnePiece = sideOf("base", BASE);
  const samples = inOnePiece.samples.map((sample) => ({ ...sample, firstTextMs: null, arrivals: null }));
  const { outcomes, reasons, code } = judgedSides(["ttft_p95>+10%"], { ...inOnePiece, samples }, inOnePiece);
  assert.deepEqual(outcomes, ["undecided"]);
  assert.match(reasons.join(), /BASE has no such figure/);
  assert.equal(code, 1);
});

Deno.test("a cell that NEW did not measure does not pass", () => {
  const next = sideOf("next", BASE);
  const more = samplesOf({ ...BASE, variant: "queued" });
  const { outcomes, reasons, code } = judgedSides(
    ["e2e_p50>+10%"],
    { ...next, samples: [...next.samples, ...more] },
    next,
  );
  assert.deepEqual([outcomes, reasons], [["kept", "undecided"], ["NEW did not measure it"]]);
  assert.equal(code, 1);
});

Deno.test("too few samples for the figure decide nothing, and matter to no other figure", () => {
  const few = { rounds: 6, requests: 10 };
  const { outcomes, reasons, code } = judged(
    ["e2e_p95>+50%", "e2e_p50>+50%"],
    { seed: 1, ...few },
    { seed: 2, ...LATER, ...few },
  );
  assert.deepEqual(outcomes, ["undecided", "kept"]);
  assert.deepEqual(reasons, ["BASE has too few samples for it", "NEW has too few samples for it"]);
  assert.equal(code, 1);
});

Deno.test("a side that isn't valid decides nothing unless the limit is broken anyhow", () => {
  const failing = { seed: 2, failing: 0.03, ...LATER };
  const { outcomes, reasons, code } = judged(["e2e_p50>+50%"], BASE, failing);
  assert.deepEqual(outcomes, ["undecided"]);
  assert.match(reasons.join(), /^NEW is not valid: errors$/);
  assert.equal(code, 1);
  assert.equal(judged(["e2e_p50>+50%"], BASE, { ...failing, slower: () => 3 }).code, 3);
});

Deno.test("a load that was not the one asked for breaks nothing, however bad its figures are", () => {
  const limits = ["ttft_p50>+10%", "ttft_p50>60ms", "failed_share>1%"];
  const [good, slow] = [openLoop("base", { seed: 1 }, 0), openLoop("next", { seed: 2, ...LATER }, 60)];
  const lateNext = judgedSides(limits, good, slow);
  assert.deepEqual(lateNext.outcomes, ["undecided", "undecided", "undecided"]);
  assert.deepEqual(new Set(lateNext.reasons), new Set(["NEW is not valid: generator late"]));
  assert.equal(lateNext.code, 1);
  const worse = openLoop("next", { seed: 2, slower: () => 3, ...LATER }, 0);
  const lateBase = judgedSides(limits, openLoop("base", { seed: 1 }, 60), worse);
  assert.deepEqual(lateBase.outcomes, ["undecided", "broken", "kept"], "a value is NEW's alone");
  assert.deepEqual(lateBase.reasons, ["BASE is not valid: generator late"]);
});

Deno.test("a share of failures that neither side has is kept", () => {
  const { outcomes, reasons, code } = judged(["failed_share>+10%"], BASE, { seed: 2, ...LATER });
  assert.deepEqual({ outcomes, reasons, code }, { outcomes: ["kept"], reasons: [], code: 0 });
});

Deno.test("a failure more or less decides no limit on their share, and leaves it open how many there may be", () => {
  const [none, one] = [sideOf("base", BASE), sideOf("next", { seed: 2, ...LATER })];
  const samples = one.samples.map((sample, at) =>
    at === 9 ? { ...sample, outcome: "failed" as const } : sample
  );
  const more = judgedSides(["failed_share>+10%"], none, { ...one, samples });
  assert.deepEqual(more.outcomes, ["kept"]);
  assert.match(more.reasons.join(), /^but nothing bounds new \/ base; more samples would tell$/);
  assert.deepEqual(judgedSides(["failed_share>+10%"], { ...one, samples }, none).outcomes, ["kept"]);
});

Deno.test("failures put every figure in doubt but their own share", () => {
  const { outcomes, reasons } = judged(
    ["failed_share>20%", "failed_share>1%", "e2e_p50>2s"],
    BASE,
    { seed: 2, failing: 0.03, ...LATER },
  );
  assert.deepEqual(outcomes, ["kept", "broken", "undecided"]);
  assert.deepEqual(reasons, ["NEW is not valid: errors"]);
});

Deno.test("throughput that drifts for both decides nothing unless they took turns", () => {
  const drift = { requests: 80, slower: (_round: number, index: number) => index < 30 ? 1 : 2 };
  const base = { seed: 1, ...drift };
  const apart = judged(["e2e_mean>+10%"], base, { seed: 2, ...drift, ...LATER });
  assert.deepEqual(apart.reasons, ["BASE is not valid: unstable", "NEW is not valid: unstable"]);
  assert.equal(apart.code, 1);
  const inTurns = judged(["e2e_mean>+10%"], base, { seed: 2, ...drift, startMs: ROUND_EVERY_MS / 2 });
  assert.deepEqual(inTurns.outcomes, ["kept"]);
});

/** As `sideOf`, sent to a schedule and so much behind it. */
function openLoop(name: string, made: Made, lateMs: number): Side {
  const { environment, samples } = sideOf(name, made);
  const load = { kind: "open", name: "1 client", arrivals: { kind: "constant", rate: 10 } } as const;
  return {
    name,
    environment: { ...environment, plan: { ...environment.plan, loads: [load] } },
    samples: samples.map((sample) => ({
      ...sample,
      sentAt: sample.sentAt + lateMs,
      endedAt: sample.endedAt + lateMs,
    })),
  };
}

function judged(limits: string[], base: Made, next: Made) {
  return judgedSides(limits, sideOf("base", base), sideOf("next", next));
}

function judgedSides(limits: string[], base: Side, next: Side) {
  const comparison = compare(base, next, {}, parseLimits(limits));
  return {
    ratio: comparison.cells[0]?.figures.find(({ figure }) => limits[0]?.startsWith(figure))?.ratio.value ??
      NaN,
    outcomes: comparison.limits.map(({ outcome }) => outcome),
    reasons: comparison.limits.flatMap(({ reasons }) => reasons),
    code: exitCodeOf(comparison),
  };
}
