import assert from "node:assert/strict";
import { junitCounts } from "./junit.ts";

Deno.test("the reports of both test runners are summed over their suites", () => {
  const deno = `<testsuites name="deno test" tests="3" failures="1" errors="0" time="1">
    <testsuite name="a_test.ts" tests="2" disabled="0" errors="0" failures="1"><testcase/></testsuite>
    <testsuite name="b_test.ts" tests="1" disabled="1" errors="0" failures="0"></testsuite></testsuites>`;
  assert.deepEqual(junitCounts(deno), { passed: 1, failed: 1, skipped: 1 });
  const pytest =
    `<testsuites><testsuite name="pytest" errors="1" failures="0" skipped="2" tests="9" time="1"/></testsuites>`;
  assert.deepEqual(junitCounts(pytest), { passed: 6, failed: 1, skipped: 2 });
});

Deno.test("a report without tests has no counts", () => {
  assert.equal(junitCounts(`<testsuites name="deno test" tests="0"></testsuites>`), undefined);
  assert.equal(junitCounts(""), undefined);
});
