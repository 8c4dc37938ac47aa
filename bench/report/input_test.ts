import assert from "node:assert/strict";
import { modesInput } from "./fixture_support.ts";
import { inPlanOrder } from "./input.ts";

Deno.test("cells come in the plan's order, whichever was measured first; unplanned ones at the end", () => {
  const input = modesInput();
  const [first, ...others] = input.summary.cells;
  assert.ok(first);
  const cells = [{ ...first, variant: "other" }, ...others.toReversed(), first];
  const ordered = inPlanOrder({ ...input, summary: { schema: 1, cells } }).summary.cells;
  assert.deepEqual(ordered, [...input.summary.cells, { ...first, variant: "other" }]);
});
