/**
 * Runs suites of checks and tests, as many side by side as there are processors, and prints the sums on the last line:
 * `N passed, N failed`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { flagsHelp, readCommandLine, unknownNames } from "../src/cli/command_line.ts";
import { EXIT, exitCodeOf } from "../src/cli/exit.ts";
import { yes } from "../src/cli/flag.ts";
import { StartupError } from "../src/core/errors.ts";
import { within } from "../src/clock.ts";
import { print } from "../src/cli/output.ts";
import { lines } from "../src/supervisor/child.ts";
import { WORKER_FOLDER } from "../src/supervisor/plan.ts";
import { SetupError } from "../src/supervisor/setup_error.ts";
import { pathOf } from "./support/commands.ts";
import { type Counts, junitCounts, uncaughtIn } from "./support/junit.ts";
import { type TestEnvironment, testPython } from "./support/python.ts";

interface Check {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where it writes its JUnit report; without one it counts as a single check. */
  readonly report?: string;
}

interface Suite {
  /** The Python environment that it needs. */
  readonly python?: TestEnvironment;
  /** `python` is the environment's interpreter, "" without one. */
  checks(reports: string, python: string): Promise<Check[]> | Check[];
}

/** A check that takes longer hangs, and is ended. */
const CHECK_TIMEOUT_MS = 60 * 60_000;
/** How long what a check left behind may hold its output open. */
const OUTPUT_MS = 5000;

const deno = Deno.execPath();
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LOCK = `--lock=${join(ROOT, "deno.lock")}`;
const SIMULATOR = "tests/simulator";

/** In the order in which they begin: the quick ones, then the longest. */
const SUITES: Readonly<Record<string, Suite>> = {
  format: { checks: () => [{ name: "deno fmt", command: [deno, "fmt", "--check"] }] },
  lint: { checks: () => [{ name: "deno lint", command: [deno, "lint"] }] },
  types: {
    checks: () => [{
      name: "deno check",
      command: [deno, "check", "--quiet", LOCK, "--frozen", "src", "bench", "tests", "docs"],
    }],
  },
  e2e: {
    python: "dev",
    checks: (reports) => [denoTests("end-to-end tests", reports, "tests", `--ignore=${SIMULATOR}`)],
  },
  unit: {
    python: "dev",
    // "src" alone would find none: Deno 2.9.3 passes over a folder that a member of the workspace lies in.
    checks: (reports) => [
      denoTests("unit tests of the engine and the bench", reports, "src/**/*_test.ts", "bench"),
    ],
  },
  simulator: { checks: (reports) => [denoTests("the scheduler in the simulator", reports, SIMULATOR)] },
  worker: {
    python: "dev",
    checks: (reports, python) => [
      ...[["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy", "."]].map((args): Check => ({
        name: args.slice(0, 2).join(" "),
        command: [python, "-m", ...args],
        cwd: WORKER_FOLDER,
      })),
      pytest("tests of the worker", reports, python, "not openvino and not mlx and not vllm"),
    ],
  },
  openvino: runtime("openvino"),
  mlx: runtime("mlx"),
  vllm: runtime("vllm"),
  "without-tools": {
    python: "dev",
    checks: async (reports) => {
      const files = await filesOfTools();
      const tests = denoTests("the tests that look for tools, without them", reports, ...files);
      return [{ ...tests, env: { PATH: await folderWithoutTools(), CHROMIUM: "" } }];
    },
  },
};

/** vllm takes 5 GB, and without-tools runs tests a second time, so they run only when they are asked for. */
const STANDARD = Object.keys(SUITES).filter((name) => name !== "vllm" && name !== "without-tools");

/** Types are checked once for all, by the suite `types`. */
function denoTests(name: string, reports: string, ...args: [path: string, ...args: string[]]): Check {
  const report = join(reports, `${name.replaceAll(/\W+/g, "-")}.xml`);
  return {
    name,
    command: [deno, "test", "-A", "--quiet", "--no-check", LOCK, `--junit-path=${report}`, ...args],
    report,
  };
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

function runtime(name: "openvino" | "mlx" | "vllm"): Suite {
  return {
    python: name,
    checks: (reports, python) => [pytest(`tests of the ${name} backend`, reports, python, name)],
  };
}

/** Test files that ask whether a tool is there. */
async function filesOfTools(): Promise<[string, ...string[]]> {
  const found: string[] = [];
  const visit = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
      const path = `${folder}/${name}`;
      if (isDirectory) await visit(path);
      else if (name.endsWith("_test.ts") && /\b(hasCommand|OPENSSL|browserTest)\b/.test(await read(path))) {
        found.push(path);
      }
    }
  };
  for (const folder of ["src", "bench", "tests"]) await visit(folder);
  const [first, ...rest] = found;
  if (first === undefined) throw new Error("no test file asks for a tool");
  return [first, ...rest];
}

function read(path: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, path));
}

/** A PATH of nothing but a shell with the commands that tests' scripts need, and Python. */
async function folderWithoutTools(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "omnispan-path-" });
  for (const name of ["sh", "env", "cat", "cp", "head", "mkdir", "mv", "rm", "sleep", "python3", "python"]) {
    const path = pathOf(name);
    if (path !== undefined) await Deno.symlink(path, join(folder, name));
  }
  return folder;
}

async function run(suite: string, check: Check): Promise<Counts> {
  const { name, command: [program, ...args], cwd = ROOT, env = {}, report } = check;
  const say = (line: string) => print(`${suite} | ${line}`);
  say(`== ${name}`);
  const started = performance.now();
  const child = new Deno.Command(program, {
    args,
    cwd,
    env: { ...DIRECT, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
  }).spawn();
  const uncaught = new Set<string>();
  const follow = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const line of lines(stream)) {
      say(line);
      const file = uncaughtIn(line);
      if (file !== undefined) uncaught.add(file);
    }
  };
  const followed = Promise.all([follow(child.stdout), follow(child.stderr)]);
  const { success } = await child.status;
  await within(OUTPUT_MS, followed);
  say(`== ${name}: ${success ? "ok" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (!report) return { passed: success ? 1 : 0, failed: success ? 0 : 1, skipped: 0 };
  const counts = junitCounts(await Deno.readTextFile(report).catch(() => ""));
  const failed = counts.failed + uncaught.size;
  // A runner that fails without a failed test (a crash), and one that finds no test, is itself a failure.
  const sound = success ? counts.passed + counts.skipped > 0 : failed > 0;
  return { ...counts, failed: sound ? failed : failed + 1 };
}

/** Makes the environments of some suites, one after the other, beside what already runs. */
function environmentsOf(names: readonly string[]): ReadonlyMap<TestEnvironment, Promise<string>> {
  const made = new Map<TestEnvironment, Promise<string>>();
  let last: Promise<unknown> = Promise.resolve();
  for (const { python } of names.map((name) => SUITES[name]!)) {
    if (python === undefined || made.has(python)) continue;
    const next = last.then(() => testPython(python));
    made.set(python, next);
    last = next.catch(() => {}); // the suite that needs it reports it
  }
  return made;
}

/** Takes the suites in turn, one lane for each processor. */
async function runAll(names: readonly string[], reports: string): Promise<[check: string, counts: Counts][]> {
  const environments = environmentsOf(names);
  const results: [string, Counts][] = [];
  const waiting = [...names];
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const { python, checks } = SUITES[name]!;
      try {
        const interpreter = python === undefined ? "" : await environments.get(python)!;
        for (const check of await checks(reports, interpreter)) {
          results.push([check.name, await run(name, check)]);
        }
      } catch (thrown) {
        const problems = thrown instanceof SetupError || thrown instanceof StartupError
          ? thrown.problems
          : [thrown];
        for (const problem of problems) print(`${name} | ${problem}`);
        results.push([name, { passed: 0, failed: 1, skipped: 0 }]);
      }
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, lane));
  return results;
}

const FLAGS = { all: yes("runs every suite") };

const HELP = `Usage: deno task test [SUITE...]      deno task test --all

Runs suites of checks and tests, as many side by side as there are processors.

  without a suite   ${STANDARD.join(", ")}
  beside them       ${Object.keys(SUITES).filter((name) => !STANDARD.includes(name)).join(", ")}

Flags:
${flagsHelp(FLAGS)}

Exit codes: 0 all passed, 1 some failed or nothing ran, 2 wrong use.`;

/** The suites to run. @throws {StartupError} with one line for each problem */
function parse(args: readonly string[]): readonly string[] | "help" {
  const operands = { least: 0, most: Infinity, rule: "takes names of suites" };
  const { values, operands: names, problems, help } = readCommandLine(
    { name: "test", flags: FLAGS, operands },
    args,
    {},
  );
  if (help) return "help";
  const known = Object.keys(SUITES);
  problems.push(...unknownNames("suite", names, known));
  if (problems.length > 0) throw new StartupError(problems);
  return values.all ? known : names.length > 0 ? names : STANDARD;
}

async function main(args: readonly string[]): Promise<number> {
  const chosen = parse(args);
  if (chosen === "help") {
    print(HELP);
    return EXIT.done;
  }
  const reports = await Deno.makeTempDir({ prefix: "omnispan-tests-" });
  const results = await runAll(chosen, reports);
  await Deno.remove(reports, { recursive: true });
  const sum = (key: keyof Counts) => results.reduce((total, [, counts]) => total + counts[key], 0);
  const failed = results.filter(([, counts]) => counts.failed > 0).map(([name]) => name);
  if (failed.length > 0) print(`\nfailed: ${failed.join("; ")}`);
  const skipped = sum("skipped");
  print(`\n${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed.length > 0 || sum("passed") === 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(exitCodeOf));
