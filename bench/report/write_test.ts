import assert from "node:assert/strict";
import { join } from "node:path";
import { fromJson, summarizeRun } from "../metrics/summary.ts";
import { modesInput } from "../../tests/support/bench/report_fixture.ts";
import { writeReports } from "./write.ts";

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
