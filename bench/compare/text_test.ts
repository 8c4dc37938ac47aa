import assert from "node:assert/strict";
import { compare } from "./comparison.ts";
import { parseLimits } from "./gate.ts";
import { sideOf } from "../../tests/support/bench/recording.ts";
import { comparisonMarkdown, comparisonText } from "./text.ts";
import { toJson } from "../metrics/summary.ts";

const BASE = sideOf("results/base", { seed: 1 }, { startedAt: "2026-01-31T12:00:00.000Z" });
const SLOWER = sideOf(
  "results/new",
  { seed: 2, slower: () => 1.2, failing: 0.02, startMs: 1e9 },
  { startedAt: "2026-02-01T12:00:00.000Z", connections: 1 },
);
const COMPARISON = compare(BASE, SLOWER, {}, parseLimits(["ttft_p50>+10%", "e2e_p99>+10%"]));

Deno.test("the text says what was compared, each figure with its interval, and what came of the limits", () => {
  const text = comparisonText(COMPARISON);
  assert.match(text, /^BASE results\/base of 2026-01-31\S+ and NEW results\/new of 2026-02-01\S+$/m);
  assert.match(
    text,
    /^BASE direct: 200 requests, 0 failed\. NEW direct: 200 requests, \d failed\. Not paired/m,
  );
  assert.match(
    text,
    /│ ttft_p50 ms │ +\d\d\.\d │ +\d\d\.\d │ +1\.\d{3} │ 1\.\d{3} to 1\.\d{3} │ worse by \d+\.\d % /,
  );
  assert.match(text, /│ req_s +│.*│ worse by 1\d\.\d % /);
  assert.match(text, /^NEW is NOT VALID: .*failed/m);
  assert.match(text, /^The sides differ in connections: 4 against 1\.$/m);
  assert.match(text, /^\d+ ratios have a 95 % interval; \d+ of these exclude 1\./m);
  assert.match(text, /^ttft_p50>\+10%: BROKEN by direct, 1 client$/m);
});

Deno.test("equal runs say that no difference is shown", () => {
  const text = comparisonText(compare(BASE, BASE, {}, []));
  assert.match(text, /│ e2e_p50 ms +│.*│ no difference shown/);
  assert.match(text, /│ e2e_p99 ms +│ +121\* │.*│ +- │ can't tell/);
  assert.doesNotMatch(text, /worse|better|differ in/);
});

Deno.test("a figure that failures decide is named failed, without a per cent", () => {
  const failing = sideOf("new", { seed: 2, failing: 0.3, startMs: 1e9 });
  const text = comparisonText(compare(BASE, failing, {}, []));
  assert.match(text, /│ e2e_p95 ms +│.*│ +failed │ +∞ │.*│ worse without bound/);
});

Deno.test("compare.md has the same rows, and names can't set the page", () => {
  const named = { ...BASE, name: "a|b <img>" };
  const page = comparisonMarkdown(compare(named, SLOWER, {}, parseLimits(["ttft_p50>+10%"])));
  assert.match(page, /^# Comparison\n\nBASE a\\\|b \\<img\\> of/);
  assert.match(page, /^- ttft_p50\\>\+10%: BROKEN/m);
  assert.match(page, /^\| ttft_p50 ms \| \d\d\.\d \| \d\d\.\d \| 1\.\d{3} \| .* \| worse by .* % \|$/m);
});

Deno.test("compare.json keeps figures that are no JSON numbers as strings", () => {
  const failing = sideOf("new", { seed: 2, failing: 0.3, startMs: 1e9 });
  const { cells } = JSON.parse(toJson(compare(BASE, failing, {}, [])));
  const p95 = cells[0].figures.find(({ figure }: { figure: string }) => figure === "e2e_p95");
  assert.deepEqual([p95.next.value, p95.ratio.value, p95.change], ["Infinity", "Infinity", "worse"]);
});
