import assert from "node:assert/strict";
import { modesInput, ratesInput, sweepInput } from "../../tests/support/bench/report_fixture.ts";
import { chartSvgs } from "./svg.ts";

const ALWAYS = [
  "throughput_latency",
  "e2e_percentiles",
  "ttft_percentiles",
  "e2e_cdf",
  "ttft_cdf",
  "phases",
  "batch_sizes",
  "timeline",
  "ttft_over_time",
  "tpot_over_time",
];

Deno.test("every chart is drawn without a browser and carries what was measured", async () => {
  for (const input of [modesInput(), sweepInput(), ratesInput()]) {
    const svgs = await chartSvgs(input);
    assert.deepEqual([...svgs.keys()], ALWAYS);
    for (const [name, svg] of svgs) {
      assert.match(svg, /^<svg [\s\S]*<path [\s\S]*<\/svg>$/, name);
      assert.match(svg, /SIMULATED, no model ran/, name);
      assert.doesNotMatch(svg, /NaN|undefined/, name);
    }
  }
});

Deno.test("goodput is drawn where an SLO is stated, and nothing where nothing was measured", async () => {
  const input = modesInput({ slo: { e2eMs: 500 } });
  assert.ok((await chartSvgs(input)).has("goodput"));
  assert.equal((await chartSvgs({ ...input, samples: [], summary: { schema: 1, cells: [] } })).size, 0);
});

Deno.test("names with markup stay text", async () => {
  const input = modesInput({ variants: [{ name: "</svg><script>", mode: "direct", settings: {} }] });
  for (const svg of (await chartSvgs(input)).values()) assert.ok(!svg.includes("<script"));
});
