import assert from "node:assert/strict";
import { WORKED_EXAMPLE } from "../../tests/support/bench/stream.ts";
import { dialectView } from "../metrics/dialects/view.ts";
import { dialectTable } from "./dialects.ts";

Deno.test("the table tells each reason once, under the number that cells carry", () => {
  const lines = dialectTable(dialectView([WORKED_EXAMPLE])).split("\n");
  assert.match(lines.find((line) => line.includes("TTFT mean")) ?? "", /72 │.*40 \[1 2\] │.*60 \[1\] │/);
  assert.equal(lines.filter((line) => line.includes("hides 12.0 ms")).length, 1);
  assert.ok(lines.includes("[1] from send: hides 12.0 ms of generator lateness"));
});
