import assert from "node:assert/strict";
import { modesInput, sweepInput } from "../../tests/support/bench/report_fixture.ts";
import { htmlReport } from "./html.ts";
import type { ReportInput } from "./input.ts";

Deno.test("the page refers to nothing outside of itself and forbids every connection", async () => {
  const html = await htmlReport(modesInput());
  assert.doesNotMatch(html, /\b(src|href)="(?!data:|#)/);
  assert.doesNotMatch(html, /@import|url\((?!#)|<script/);
  assert.match(html, /http-equiv="Content-Security-Policy" content="default-src 'none';/);
});

Deno.test("names and messages of the recording stay text", async () => {
  const evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
  const input = modesInput({ variants: [{ name: `direct ${evil}`, mode: "direct", settings: {} }] });
  const told: ReportInput = {
    ...input,
    environment: { ...input.environment, command: [evil], target: evil },
    samples: input.samples.map((sample, index) =>
      index % 9 === 0 ? { ...sample, outcome: "failed", status: evil, errorMessage: evil } : sample
    ),
  };
  const html = await htmlReport(told);
  assert.doesNotMatch(html, /<\/?script|<img/);
});

Deno.test("simulated runs are labelled, others are not", async () => {
  const input = modesInput();
  assert.match(await htmlReport(input), /class="simulated"/);
  const real = {
    ...input,
    environment: { ...input.environment, worker: null },
    samples: input.samples.map((sample) => ({ ...sample, simulated: false })),
  };
  assert.doesNotMatch(await htmlReport(real), /class="simulated"/);
});

Deno.test("a run of very many requests stays a page of under 3 MB", async () => {
  const input = sweepInput();
  const samples = Array.from({ length: 40 }, (_, copy) =>
    input.samples.map((sample) => ({
      ...sample,
      arrivals: null,
      intendedAt: sample.intendedAt + copy * 60_000,
      sentAt: sample.sentAt + copy * 60_000,
      endedAt: sample.endedAt + copy * 60_000,
      dispatch: sample.dispatch && { ...sample.dispatch, id: sample.dispatch.id + copy * 100_000 },
    }))).flat();
  const html = await htmlReport({ ...input, samples });
  assert.ok(samples.length > 90_000, `${samples.length} samples`);
  assert.ok(html.length < 3_000_000, `${html.length} characters`);
  assert.match(html, /Drawn are \d+ of \d+ requests/);
});

Deno.test("a run without samples gives a page that says so", async () => {
  const html = await htmlReport({ ...modesInput(), samples: [], summary: { schema: 1, cells: [] } });
  assert.match(html, /Nothing was measured\./);
});
