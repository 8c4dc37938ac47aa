/** What the engine itself costs, each figure beside the one that is aimed at. See `--help`. */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readCommandLine, unknownNames, wrapped } from "../../src/cli/command_line.ts";
import { EXIT, exitCodeOf } from "../../src/cli/exit.ts";
import { print, printError } from "../../src/cli/output.ts";
import { StartupError } from "../../src/core/errors.ts";
import { type Column, tableOf, tableText } from "../report/table.ts";
import { type Figure, type Part, percentile, Setup } from "./harness.ts";
import { latency, lateness, quiet } from "./latency.ts";
import { gpu, model, modelStreams } from "./models.ts";
import { generator, memory, overload } from "./own_load.ts";
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

Each part of a figure has its median (or the percentile that it names) and its extremes; ratios are of turns beside each
other. The worker is the simulated one, except where a figure is named after a runtime, which then runs the built-in
model. The vLLM of vllm-streams is the CPU build of the tests (5 GB). SPEED_BASELINE=FOLDER lets observing measure the
engine of another checkout too.

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
  const measured: { readonly name: string; readonly title: string; readonly parts: readonly Part[] }[] = [];
  for (const [name, { title, measure }] of Object.entries(FIGURES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    printError(`measuring ${name}`);
    await using setup = new Setup(folder);
    const parts = await measure(setup);
    measured.push({ name, title, parts });
    await Deno.writeTextFile(join(folder, "speed.json"), JSON.stringify(measured, undefined, 1));
    print(`\n${name}: ${title}\n${tableText(tableOf(COLUMNS, parts), "plain")}`);
  }
  print(`\nAll measurements: ${relative(Deno.cwd(), folder)}`);
  return EXIT.done;
}

const COLUMNS: readonly Column<Part>[] = [
  { head: "", kind: "name", text: ({ what }) => what },
  { head: "value", text: (part) => shown(part, valueOf(part)) },
  { head: "lowest", text: (part) => part.values.length > 1 ? shown(part, Math.min(...part.values)) : "" },
  { head: "highest", text: (part) => part.values.length > 1 ? shown(part, Math.max(...part.values)) : "" },
  { head: "unit", kind: "name", text: ({ unit = "" }) => unit },
  { head: "aim", kind: "name", text: aimOf },
  { head: "met", kind: "name", text: (part) => aimOf(part) === "" ? "" : isMet(part) ? "yes" : "no" },
];

function valueOf({ values, percent = 50 }: Part): number {
  return percentile(values, percent);
}

function shown({ values, digits = 2 }: Part, value: number): string {
  return values.length === 0 ? "" : value.toFixed(digits);
}

function aimOf({ atLeast, atMost }: Part): string {
  return atLeast !== undefined ? `>= ${atLeast}` : atMost !== undefined ? `<= ${atMost}` : "";
}

function isMet(part: Part): boolean {
  const { atLeast = -Infinity, atMost = Infinity } = part;
  return valueOf(part) >= atLeast && valueOf(part) <= atMost;
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(exitCodeOf));
