import assert from "node:assert/strict";
import { parseSettings } from "../../src/config/parse.ts";
import { environmentOf, planOf } from "../../tests/support/bench/environment.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { aboutRun, warnings } from "./about_run.ts";
import type { ReportInput } from "./input.ts";

Deno.test("turns that measured nothing are told, but not of a search, which has no plan of turns", () => {
  const plan = planOf({ rounds: 3 });
  const samples = [0, 1].map((round) => sampleOf({ round }));
  assert.deepEqual(warnings(inputOf({ plan, samples })), [
    "Only 2 of 3 turns measured anything; the figures are of these alone.",
  ]);
  assert.deepEqual(warnings(inputOf({ plan, samples: [...samples, sampleOf({ round: 2 })] })), []);
  const environment = environmentOf({ command: ["bench", "tune"] });
  assert.deepEqual(warnings(inputOf({ plan, samples, environment })), []);
});

Deno.test("settings that are not the default are told, and the mode of an engine that ran already", () => {
  const about = (input: ReportInput) => Object.fromEntries(aboutRun(input));
  const { settings } = parseSettings(["--queue-capacity", "1", "--max-batch-size", "8"], {});
  const own = about(inputOf({ environment: environmentOf({ engine: settings, target: null }) }));
  assert.equal(own.Settings, "QUEUE_CAPACITY=1");
  const [variant] = planOf().variants;
  const plan = planOf({ variants: [{ ...variant!, name: "127.0.0.1:50061", mode: "queued" }] });
  assert.equal(about(inputOf({ plan })).Engine, "127.0.0.1:50061 in mode queued");
});

function inputOf(told: Partial<ReportInput>): ReportInput {
  const input = {
    environment: environmentOf(),
    plan: planOf(),
    samples: [],
    summary: { schema: 1, cells: [] },
  } as const;
  return { ...input, ...told };
}
