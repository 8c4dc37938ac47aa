import assert from "node:assert/strict";
import { join } from "node:path";
import { fromJson, summarizeRun } from "../metrics/summary.ts";
import { modesInput, ratesInput, sweepInput } from "../../tests/support/bench/report_fixture.ts";
import { chartSvgs, writeReports } from "./write.ts";

Deno.test("a run's folder gets its summary, both reports and the charts that report.md shows; again over the old", async () => {
  const folder = await Deno.makeTempDir({ prefix: "omnispan-report-" });
  try {
    const fixture = modesInput();
    const input = { ...fixture, summary: summarizeRun(fixture.samples, fixture.plan) };
    for (const dialects of ["first", "second"]) await writeReports(folder, input, { dialects });
    assert.deepEqual(fromJson(await Deno.readTextFile(join(folder, "summary.json"))), input.summary);
    const markdown = await Deno.readTextFile(join(folder, "report.md"));
    assert.match(markdown, /second/);
    assert.doesNotMatch(markdown, /first\n/);
    const links = [...markdown.matchAll(/\]\((charts\/\w+\.svg)\)/g)].map(([, path]) => path ?? "");
    assert.ok(links.length > 8);
    for (const path of links) assert.match(await Deno.readTextFile(join(folder, path)), /^<svg /);
    assert.match(await Deno.readTextFile(join(folder, "report.html")), /^<!doctype html>/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

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

Deno.test("every chart is drawn without a browser and carries what was measured", () => {
  for (const input of [modesInput(), sweepInput(), ratesInput()]) {
    const svgs = chartSvgs(input);
    assert.deepEqual([...svgs.keys()], ALWAYS);
    for (const [name, svg] of svgs) {
      assert.match(svg, /^<svg [\s\S]*<path [\s\S]*<\/svg>$/, name);
      assert.match(svg, /SIMULATED, no model ran/, name);
      assert.doesNotMatch(svg, /NaN|undefined|var\(--/, name);
    }
  }
});

Deno.test("goodput is drawn where an SLO is stated, and nothing where nothing was measured", () => {
  const input = modesInput({ slo: { e2eMs: 500 } });
  assert.ok(chartSvgs(input).has("goodput"));
  assert.equal(chartSvgs({ ...input, samples: [], summary: { schema: 1, cells: [] } }).size, 0);
});

Deno.test("names with markup stay text", () => {
  const input = modesInput({ variants: [{ name: "</svg><script>", mode: "direct", settings: {} }] });
  for (const svg of chartSvgs(input).values()) assert.ok(!svg.includes("<script"));
});
