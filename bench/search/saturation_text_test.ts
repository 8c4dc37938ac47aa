import assert from "node:assert/strict";
import { summarizeCell } from "../metrics/summary.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Load } from "../plan.ts";
import { trialRequests, type VariantSaturation } from "./saturate.ts";
import type { Saturation } from "./saturation.ts";
import { saturationSentence, saturationText } from "./saturation_text.ts";

const VARIANT = { name: "continuous", mode: "continuous", settings: {} } as const;

Deno.test("each way in which a search ends has its sentence", () => {
  const says = (limit: Saturation["limit"], kept: number | null, notKept: number | null) =>
    saturationSentence(found({ limit, kept, notKept, confirmed: limit === "engine" }));
  assert.equal(
    says("engine", 98, 102),
    "continuous keeps up with 98 requests/s and not with 102; a second trial near either rate said the same (2 trials).",
  );
  assert.equal(
    says("engine", null, 0.5),
    "continuous kept up with no rate that was tried, the lowest not kept being 0.5 requests/s (2 trials).",
  );
  assert.match(
    says("generator", 4000, null),
    /^continuous keeps up with 4000 requests\/s\. The load generator was the limit, not the engine: .* at 102 requests/,
  );
  assert.match(says("trials", 90, 110), /The search ended after 2 trials, so the border is less sure/);
  assert.match(says("highest_rate", 100_000, null), /the highest rate that is tried\.$/);
  assert.equal(
    saturationSentence({ ...found(null) }),
    "continuous keeps up with 98 requests/s and not with 102: that is what 2 trials had shown when the search ended early.",
  );
});

Deno.test("the table has a row for each trial with why it was not kept", () => {
  const lines = saturationText(found({ limit: "engine", kept: 98, notKept: 102, confirmed: true })).split(
    "\n",
  );
  assert.ok(lines.some((line) => /^│ +1 │ +98 │.*│ kept +│$/.test(line)), lines.join("\n"));
  assert.ok(lines.some((line) => /^│ +2 │ +102 │.*│ not kept: Arrivals outran the service +│$/.test(line)));
});

Deno.test("a trial is as long as asked, else long enough for 400 requests and five answers, from 15 to 60 s", () => {
  const none = { requests: null, durationMs: null, slo: {} };
  assert.equal(trialRequests(100, none, 100), 1500);
  assert.equal(trialRequests(20, none, 100), 400);
  assert.equal(trialRequests(2, none, 100), 120);
  assert.equal(trialRequests(100, none, 6000), 3000);
  assert.equal(trialRequests(100, { ...none, durationMs: 6000 }, 100), 600);
  assert.equal(trialRequests(100, { ...none, durationMs: 6000, requests: 50 }, 100), 50);
  assert.equal(trialRequests(0.01, { ...none, durationMs: 6000 }, 100), 1);
});

function found(answer: Saturation | null): VariantSaturation {
  const load: Load = { kind: "open", name: "any", arrivals: { kind: "poisson", rate: 98 } };
  const summary = summarizeCell([sampleOf({})], load, {});
  const common = { overloadedRate: null, sloShare: null, summary };
  return {
    variant: VARIANT,
    trials: [
      { ...common, rate: 98, outcome: "kept", why: "kept" },
      {
        ...common,
        rate: 102,
        outcome: "not_kept",
        why: "Arrivals outran the service: each second (of them)",
      },
    ],
    answer,
  };
}
