import assert from "node:assert/strict";
import { denoProblem } from "./runtime_version.ts";

Deno.test("the Deno releases that abort under gRPC are refused with the command that works", () => {
  for (const version of ["2.9.4", "2.9.6", "2.9.8", "2.9.8+a1b2c3d"]) {
    assert.match(denoProblem(version, {}) ?? "", /npx -y deno@2\.9\.3 task serve/, version);
  }
});

Deno.test("the Deno releases around them are taken", () => {
  for (const version of ["2.8.4", "2.9.0", "2.9.3", "2.9.9", "2.9.40", "2.10.5", "3.0.0"]) {
    assert.equal(denoProblem(version, {}), undefined, version);
  }
});

Deno.test("who knows better may run on any Deno", () => {
  assert.equal(denoProblem("2.9.6", { OMNISPAN_ALLOW_ANY_DENO: "1" }), undefined);
  assert.notEqual(denoProblem("2.9.6", { OMNISPAN_ALLOW_ANY_DENO: "0" }), undefined);
});
