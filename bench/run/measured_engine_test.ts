import assert from "node:assert/strict";
import { workerChange } from "./measured_engine.ts";

const UP = { state: "up", detail: "", instance: "a" };
const DOWN = { state: "down", detail: "connection refused", instance: "a" };

Deno.test("a worker that is gone, about to stop or another process has changed", () => {
  assert.equal(workerChange(UP, DOWN), "was gone (connection refused)");
  assert.equal(workerChange(UP, { ...DOWN, detail: "" }), "was gone");
  assert.equal(workerChange(UP, { ...UP, state: "draining" }), "was about to stop");
  assert.equal(workerChange(UP, { ...UP, instance: "b" }), "was started again");
});

Deno.test("a worker that stays as it is, and one that an engine says nothing of, have not changed", () => {
  assert.equal(workerChange(UP, UP), undefined);
  assert.equal(workerChange(DOWN, DOWN), undefined, "it is told once");
  assert.equal(workerChange(DOWN, { ...UP, instance: "b" }), undefined, "that it was gone is told already");
  const unknown = { state: "", detail: "", instance: "" };
  assert.equal(workerChange(unknown, unknown), undefined);
});
