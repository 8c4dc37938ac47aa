import assert from "node:assert/strict";
import type { Arrivals } from "../plan.ts";
import { nameOfLoad, nameOfVariant } from "./names.ts";

const LOADS: readonly (readonly [Arrivals, string])[] = [
  [{ kind: "constant", rate: 0.5 }, "0.5/s constant"],
  [{ kind: "poisson", rate: 4 }, "4/s poisson"],
  [{ kind: "gamma", rate: 4, cv: 2 }, "4/s gamma cv 2"],
  [{ kind: "bursts", rate: 4, size: 16 }, "4/s bursts of 16"],
  [{ kind: "ramp", from: 1, to: 20 }, "ramp 1-20/s"],
  [{ kind: "steps", rates: [1, 5, 20] }, "steps 1, 5, 20/s"],
  [{ kind: "trace", file: "some/azure_conv.csv", speed: 10 }, "trace azure_conv x10"],
  [
    { kind: "trace", file: "azure_conv", speed: 0.5, maxPromptTokens: 512, maxOutputTokens: 64 },
    "trace azure_conv x0.5 prompt<=512 output<=64",
  ],
];

for (const [arrivals, name] of LOADS) {
  Deno.test(`the load of ${JSON.stringify(arrivals)} is called ${name}`, () => {
    assert.equal(nameOfLoad({ kind: "open", arrivals }), name);
  });
}

Deno.test("a closed loop is called by its clients", () => {
  assert.equal(nameOfLoad({ kind: "closed", concurrency: 1 }), "1 client");
  assert.equal(nameOfLoad({ kind: "closed", concurrency: 8 }), "8 clients");
});

Deno.test("a variant is called by its mode and by its settings in one order", () => {
  assert.equal(nameOfVariant({ mode: "continuous", settings: {} }), "continuous");
  const name = "micro_batch BATCH_WINDOW_MS=5 MAX_BATCH_SIZE=16";
  assert.equal(
    nameOfVariant({ mode: "micro_batch", settings: { MAX_BATCH_SIZE: 16, BATCH_WINDOW_MS: 5 } }),
    name,
  );
  assert.equal(
    nameOfVariant({ mode: "micro_batch", settings: { BATCH_WINDOW_MS: 5, MAX_BATCH_SIZE: 16 } }),
    name,
  );
});
