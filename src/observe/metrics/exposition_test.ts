import assert from "node:assert/strict";
import { Registry } from "prom-client";
import { Buckets } from "./buckets.ts";
import { counter, histogram, value } from "./exposition.ts";
import { parseMetrics, problemsOf } from "../../../tests/support/exposition.ts";
import { Family } from "./family.ts";

Deno.test("a histogram is told from counts that are kept elsewhere", async () => {
  const registry = new Registry();
  const family = new Family(["mode", "reason"], () => new Buckets([1, 2]));
  histogram(registry, { name: "size", help: "Sizes." }, [1, 2], family);
  for (const size of [1, 2, 2, 9]) family.at("direct", "full").add(size);
  family.at("queued", "").add(0.5);
  assert.equal(
    await registry.metrics(),
    `# HELP size Sizes.
# TYPE size histogram
size_bucket{mode="direct",reason="full",le="1"} 1
size_bucket{mode="direct",reason="full",le="2"} 3
size_bucket{mode="direct",reason="full",le="+Inf"} 4
size_sum{mode="direct",reason="full"} 14
size_count{mode="direct",reason="full"} 4
size_bucket{mode="queued",le="1"} 1
size_bucket{mode="queued",le="2"} 1
size_bucket{mode="queued",le="+Inf"} 1
size_sum{mode="queued"} 0.5
size_count{mode="queued"} 1
`,
  );
});

Deno.test("what is not known has no sample, also when it was known before", async () => {
  const registry = new Registry();
  let depth: number | undefined = 3;
  value(registry, { name: "depth", help: "Depth." }, () => depth);
  assert.match(await registry.metrics(), /^depth 3$/m);
  depth = undefined;
  assert.doesNotMatch(await registry.metrics(), /^depth /m);
});

Deno.test("a counter is told as it stands, however often it is asked for", async () => {
  const registry = new Registry();
  counter(registry, { name: "all_total", help: "All." }, ["by"], () => [[{ by: "a" }, 7]]);
  await registry.metrics();
  assert.match(await registry.metrics(), /^all_total\{by="a"\} 7$/m);
});

const HEAD = "# HELP x X.\n# TYPE x";
const BROKEN: ReadonlyArray<readonly [what: string, text: string, problem: RegExp]> = [
  ["a sample without HELP and TYPE", "x 1\n", /no HELP and TYPE/],
  ["an unescaped quote", `${HEAD} gauge\nx{a="b"c"} 1\n`, /not labels/],
  ["a value that is none", `${HEAD} gauge\nx undefined\n`, /not a sample/],
  ["a text without its last line feed", `${HEAD} gauge\nx 1`, /line feed/],
  ["a counter without _total", `${HEAD} counter\nx 1\n`, /by its type only/],
  ["two samples with the same labels", `${HEAD} gauge\nx{a="1",b="2"} 1\nx{b="2",a="1"} 1\n`, /same labels/],
  ["a sample of another metric", `${HEAD} gauge\ny 1\n`, /stands under x/],
  [
    "buckets that fall",
    `${HEAD} histogram\nx_bucket{le="1"} 2\nx_bucket{le="+Inf"} 1\nx_sum 1\nx_count 1\n`,
    /fall/,
  ],
  ["buckets without +Inf", `${HEAD} histogram\nx_bucket{le="1"} 1\nx_sum 1\nx_count 1\n`, /\+Inf/],
  [
    "a count that is not that of +Inf",
    `${HEAD} histogram\nx_bucket{le="+Inf"} 1\nx_sum 1\nx_count 2\n`,
    /its count 2/,
  ],
];

for (const [what, text, problem] of BROKEN) {
  Deno.test(`the check finds ${what}`, () => {
    const found = () => {
      const problems = problemsOf(parseMetrics(text));
      if (problems.length > 0) throw new Error(problems.join("\n"));
    };
    assert.throws(found, problem);
  });
}
