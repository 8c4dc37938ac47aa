import assert from "node:assert/strict";
import { join } from "node:path";
import { junitCounts, uncaughtIn } from "./junit.ts";
import { ROOT } from "./serve.ts";

Deno.test("the reports of both test runners are summed over their suites", () => {
  const deno = `<testsuites name="deno test" tests="3" failures="1" errors="0" time="1">
    <testsuite name="a_test.ts" tests="2" disabled="0" errors="0" failures="1"><testcase/></testsuite>
    <testsuite name="b_test.ts" tests="1" disabled="1" errors="0" failures="0"></testsuite></testsuites>`;
  assert.deepEqual(junitCounts(deno), { passed: 1, failed: 1, skipped: 1 });
  const pytest =
    `<testsuites><testsuite name="pytest" errors="1" failures="0" skipped="2" tests="9" time="1"/></testsuites>`;
  assert.deepEqual(junitCounts(pytest), { passed: 6, failed: 1, skipped: 2 });
});

Deno.test("a report without tests counts nothing", () => {
  const none = { passed: 0, failed: 0, skipped: 0 };
  assert.deepEqual(junitCounts(`<testsuites name="deno test" tests="0"></testsuites>`), none);
  assert.deepEqual(junitCounts(""), none);
});

Deno.test("each file that fails while it loads is found in what deno test prints, though its report has none", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["a", "b"]) {
    await Deno.writeTextFile(join(folder, `${name}_test.ts`), `throw new Error("${name}");`);
  }
  await Deno.writeTextFile(join(folder, "c_test.ts"), `Deno.test("c", () => {});`);
  const report = join(folder, "report.xml");
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", "--no-config", "--no-lock", `--junit-path=${report}`, folder],
    cwd: ROOT,
    stderr: "null",
  }).output();
  assert.equal(success, false);
  const files = new TextDecoder().decode(stdout).split("\n").map(uncaughtIn).filter((file) => file);
  assert.deepEqual(new Set(files.map((file) => file!.slice(-9))), new Set(["a_test.ts", "b_test.ts"]));
  assert.deepEqual(junitCounts(await Deno.readTextFile(report)), { passed: 1, failed: 0, skipped: 0 });
});
