/** What the engine itself costs, each figure beside the one that was aimed at. See `--help`. */
import Table from "cli-table3";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { StartupError } from "../../src/core/errors.ts";
import { print, printError } from "../../src/cli/output.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { Figure } from "./figure.ts";
import { generatorLateness } from "./generator.ts";
import { overHttp } from "./http.ts";
import { addedLatency, windowLateness } from "./latency.ts";
import { queuedMemory } from "./memory.ts";
import { observing } from "./observing.ts";
import { overload } from "./overload.ts";
import { Setup } from "./harness.ts";
import { realModel, streamedModel } from "./model.ts";
import { watchedByPage } from "./page.ts";
import { quiet } from "./quiet.ts";
import { pacedTokens, streamedTokens } from "./streaming.ts";
import { simulatedGpu } from "./simulated_gpu.ts";
import { addedTokenGaps } from "./token_gaps.ts";
import { againstEcho, fixedBatchTime } from "./throughput.ts";

const MEASUREMENTS: Readonly<Record<string, (folder: string) => Promise<Figure>>> = {
  echo: againstEcho,
  fixed: fixedBatchTime,
  lateness: windowLateness,
  latency: addedLatency,
  quiet: async (folder) => {
    await using setup = new Setup(folder);
    return { name: quiet.title, target: quiet.target, ...await quiet.measure(setup) };
  },
  memory: queuedMemory,
  http: overHttp,
  observing,
  page: watchedByPage,
  streams: streamedTokens,
  paced: pacedTokens,
  gaps: addedTokenGaps,
  gpu: simulatedGpu,
  overload: (folder) => overload(folder, { deadlineMs: 2000 }),
  "overload-5s": (folder) => overload(folder, { deadlineMs: 5000 }),
  generator: (folder) => generatorLateness({ rate: 2000, tokens: 1, stream: false }, folder),
  "generator-streams": (folder) => generatorLateness({ rate: 500, tokens: 8, stream: true }, folder),
  openvino: (folder) => realModel("openvino", 7, folder),
  mlx: (folder) => realModel("mlx", 3, folder),
  "openvino-streams": (folder) => streamedModel("openvino", { turns: 5, rounds: 4 }, folder),
  "mlx-streams": (folder) => streamedModel("mlx", { turns: 3, rounds: 2 }, folder),
  "vllm-streams": (folder) => streamedModel("vllm", { turns: 3, rounds: 4 }, folder),
};

const HELP = `Usage: deno task bench:speed [MEASUREMENT...]

Measures the engine's own costs; takes about an hour. Needs h2load (Debian: nghttp2-client).
Measurements, all of them when none is named: ${Object.keys(MEASUREMENTS).join(", ")}

Figures are medians with the extremes in brackets; quotients are of runs that took turns. The worker is the
simulated one, except where a measurement is named after a runtime, which then runs the built-in model. The
vLLM of vllm-streams is the CPU build of the tests (5 GB). SPEED_BASELINE=FOLDER lets observing measure the engine of
another checkout too.`;

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !MEASUREMENTS[name]);
  if (unknown !== undefined) {
    print(HELP);
    return unknown === "--help" ? 0 : 2;
  }
  const folder = join(
    fileURLToPath(new URL("../results", import.meta.url)),
    `speed-${new Date().toISOString().replace(/\\..*/, "").replaceAll(":", "-")}`,
  );
  await Deno.mkdir(folder, { recursive: true });
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    printError(`measuring ${name}`);
    figures.push(await measure(folder));
    await Deno.writeTextFile(join(folder, "speed.json"), JSON.stringify(figures, undefined, 1));
  }
  const table = new Table({ head: ["figure", "reached", "aim", "met"], style: { head: [], border: [] } });
  for (const { name, reached, target, met } of figures) {
    table.push([name, reached, target, met ? "yes" : "no"]);
  }
  print(`${table}\nAll samples: ${relative(Deno.cwd(), folder)}`);
  return 0;
}

if (import.meta.main) {
  Deno.exit(
    await main(Deno.args).catch((thrown) => {
      if (!(thrown instanceof SetupError || thrown instanceof StartupError)) throw thrown;
      thrown.problems.forEach(printError);
      return 1;
    }),
  );
}
