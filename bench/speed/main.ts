/** What the engine itself costs, each figure beside the one that is aimed at. See `--help`. */
import Table from "cli-table3";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readCommandLine, unknownNames, wrapped } from "../../src/cli/command_line.ts";
import { EXIT, exitCodeOf } from "../../src/cli/exit.ts";
import { print, printError } from "../../src/cli/output.ts";
import { StartupError } from "../../src/core/errors.ts";
import { type Figure, type Reached, Setup } from "./harness.ts";
import { generator, latency, lateness } from "./latency.ts";
import { gpu, model, modelStreams } from "./models.ts";
import { memory, overload } from "./overload.ts";
import { quiet } from "./quiet.ts";
import { echo, fixed, http, observing, page } from "./rates.ts";
import { gaps, paced, streams } from "./streams.ts";

const FIGURES: Readonly<Record<string, Figure>> = {
  echo,
  fixed,
  lateness,
  latency,
  quiet,
  memory,
  http,
  observing,
  page,
  streams,
  paced,
  gaps,
  gpu,
  overload: overload(2000),
  "overload-5s": overload(5000),
  generator: generator(2000, 1, false),
  "generator-streams": generator(500, 8, true),
  openvino: model("openvino", { turns: 7, rounds: 4 }),
  mlx: model("mlx", { turns: 3, rounds: 4 }),
  "openvino-streams": modelStreams("openvino", { turns: 5, rounds: 4 }),
  "mlx-streams": modelStreams("mlx", { turns: 3, rounds: 2 }),
  "vllm-streams": modelStreams("vllm", { turns: 3, rounds: 4 }),
};

const HELP = `Usage: deno task bench:speed [FIGURE...]

Measures the engine's own costs; takes about an hour. Needs h2load (Debian: nghttp2-client).
Figures, all of them when none is named:
${wrapped(Object.keys(FIGURES).join(", "), "  ")}

They are medians with the extremes in brackets; quotients are of runs that took turns. The worker is the
simulated one, except where a figure is named after a runtime, which then runs the built-in model. The
vLLM of vllm-streams is the CPU build of the tests (5 GB). SPEED_BASELINE=FOLDER lets observing measure the engine of
another checkout too.

Exit codes: 0 done, 1 something could not be measured, 2 wrong use.`;

/** The figures to measure; none means all. @throws {StartupError} with one line for each problem */
function parse(args: readonly string[]): readonly string[] | "help" {
  const operands = { least: 0, most: Infinity, rule: "takes names of figures" };
  const line = readCommandLine({ name: "bench:speed", flags: {}, operands }, args, {});
  const problems = [...line.problems, ...unknownNames("figure", line.operands, Object.keys(FIGURES))];
  if (problems.length > 0 && !line.help) throw new StartupError(problems);
  return line.help ? "help" : line.operands;
}

async function main(args: readonly string[]): Promise<number> {
  const names = parse(args);
  if (names === "help") {
    print(HELP);
    return EXIT.done;
  }
  const time = new Date().toISOString().replace(/\..*/, "").replaceAll(":", "-");
  const folder = join(fileURLToPath(new URL("../results", import.meta.url)), `speed-${time}`);
  await Deno.mkdir(folder, { recursive: true });
  const figures: (Reached & { readonly name: string; readonly target: string })[] = [];
  for (const [name, { title, target, measure }] of Object.entries(FIGURES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    printError(`measuring ${name}`);
    await using setup = new Setup(folder);
    figures.push({ name: title, target, ...await measure(setup) });
    await Deno.writeTextFile(join(folder, "speed.json"), JSON.stringify(figures, undefined, 1));
  }
  const table = new Table({ head: ["figure", "reached", "aim", "met"], style: { head: [], border: [] } });
  for (const { name, reached, target, met } of figures) {
    table.push([name, reached, target, met ? "yes" : "no"]);
  }
  print(`${table}\nAll samples: ${relative(Deno.cwd(), folder)}`);
  return EXIT.done;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(exitCodeOf));
