/**
 * Runs suites of checks and tests one after the other, each to its end, and prints the sums on the last line:
 * `N passed, N failed`. Usage: run.ts [--help] [SUITE...]; without a suite, all that a newcomer should run.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { print } from "../src/output.ts";
import { WORKER_FOLDER } from "../src/supervisor/plan.ts";
import { type Counts, junitCounts } from "./support/junit.ts";
import { testPython } from "./support/python.ts";

interface Check {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd?: string;
  /** Where it writes its JUnit report; without one it counts as a single check. */
  readonly report?: string;
}

/** A suite makes its environment first, and only when it runs. */
type Suite = (reports: string) => Promise<Check[]> | Check[];

/** A check that takes longer hangs, and is ended. */
const CHECK_TIMEOUT_MS = 20 * 60_000;

const deno = Deno.execPath();
const ROOT = fileURLToPath(new URL("..", import.meta.url));

const SIMULATOR = "tests/simulator";

const SUITES: Readonly<Record<string, Suite>> = {
  format: () => [{ name: "deno fmt", command: [deno, "fmt", "--check"] }],
  lint: () => [{ name: "deno lint", command: [deno, "lint"] }],
  types: () => [{ name: "deno check", command: [deno, "check", "src", "bench", "tests"] }],
  // "src" alone would find none: Deno 2.9.3 passes over a folder that a member of the workspace lies in.
  unit: (reports) => [
    denoTests("unit tests of the engine and the bench", reports, "src/**/*_test.ts", "bench"),
  ],
  worker: async (reports) => {
    const python = await testPython("dev");
    return [
      { name: "ruff format", command: [python, "-m", "ruff", "format", "--check", "."], cwd: WORKER_FOLDER },
      { name: "ruff check", command: [python, "-m", "ruff", "check", "."], cwd: WORKER_FOLDER },
      { name: "mypy", command: [python, "-m", "mypy", "."], cwd: WORKER_FOLDER },
      pytest("tests of the worker", reports, python, "not openvino and not mlx and not vllm"),
    ];
  },
  simulator: (reports) => [denoTests("the scheduler in the simulator", reports, SIMULATOR)],
  e2e: (reports) => [denoTests("end-to-end tests", reports, "tests", `--ignore=${SIMULATOR}`)],
  openvino: async (reports) => [
    pytest("tests of the openvino backend", reports, await testPython("openvino"), "openvino"),
  ],
  mlx: async (reports) => [pytest("tests of the mlx backend", reports, await testPython("mlx"), "mlx")],
  vllm: async (reports) => [pytest("tests of the vllm backend", reports, await testPython("vllm"), "vllm")],
};

/** vllm takes 5 GB, so it runs only when it is named. */
const STANDARD = Object.keys(SUITES).filter((name) => name !== "vllm");

function denoTests(name: string, reports: string, ...args: [path: string, ...args: string[]]): Check {
  const report = join(reports, `${args[0].replaceAll(/\W+/g, "-")}.xml`);
  return { name, command: [deno, "test", "-A", "--quiet", `--junit-path=${report}`, ...args], report };
}

function pytest(name: string, reports: string, python: string, marker: string): Check {
  const report = join(reports, `${marker.replaceAll(" ", "-")}.xml`);
  const args = ["-m", "pytest", "-q", "-m", marker, `--junitxml=${report}`];
  return { name, command: [python, ...args], cwd: WORKER_FOLDER, report };
}

/** What tests ask is on this machine, whatever proxy the environment names for what is installed. */
const DIRECT = Object.fromEntries(["NO_PROXY", "no_proxy"].map((name) => {
  const given = Deno.env.get(name);
  return [name, [...given ? [given] : [], "localhost", "127.0.0.1", "::1"].join(",")];
}));

async function run({ name, command: [program, ...args], cwd = ROOT, report }: Check): Promise<Counts> {
  print(`\n== ${name}`);
  const started = performance.now();
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const { success } = await new Deno.Command(program, { args, cwd, env: DIRECT, stdin: "null", signal })
    .spawn().status;
  print(`== ${name}: ${success ? "ok" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const single = { passed: success ? 1 : 0, failed: success ? 0 : 1, skipped: 0 };
  if (!report) return single;
  const counts = junitCounts(await Deno.readTextFile(report).catch(() => ""));
  // A runner that fails without a failed test (a crash, no test found) is itself a failure.
  return success || (counts && counts.failed > 0)
    ? counts ?? single
    : { ...single, passed: counts?.passed ?? 0 };
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !SUITES[name]);
  if (unknown.length > 0) {
    print(`suites: ${Object.keys(SUITES).join(", ")}; without one: ${STANDARD.join(", ")}`);
    return unknown.every((name) => name === "--help") ? 0 : 2;
  }
  const reports = await Deno.makeTempDir({ prefix: "omnispan-tests-" });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failed: string[] = [];
  for (const name of names.length > 0 ? names : STANDARD) {
    for (const check of await SUITES[name]!(reports)) {
      const counts = await run(check);
      for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
      if (counts.failed > 0) failed.push(check.name);
    }
  }
  await Deno.remove(reports, { recursive: true });
  if (failed.length > 0) print(`\nfailed: ${failed.join("; ")}`);
  print(
    `\n${total.passed} passed, ${total.failed} failed${
      total.skipped > 0 ? `, ${total.skipped} skipped` : ""
    }`,
  );
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
