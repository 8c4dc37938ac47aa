/** `deno task simulate`: plays the scheduler core through seeded runs with faults until a promise breaks. */
import { flagsHelp, readCommandLine, wrapped } from "../../src/cli/command_line.ts";
import { EXIT, exitCodeOf } from "../../src/cli/exit.ts";
import { decimal, listOf, text, whole, yes } from "../../src/cli/flag.ts";
import { print } from "../../src/cli/output.ts";
import { StartupError } from "../../src/core/errors.ts";
import type { MakeCore } from "./engine.ts";
import { report, shrink } from "./failure.ts";
import { BUG_NAMES, buggyCore } from "./planted_bugs.ts";
import { type Choices, type Fault, FAULTS, scenarioOf } from "./scenario.ts";
import { coreOf, simulate } from "./simulate.ts";
import { Tally } from "./tally.ts";

const DEFAULT_RUNS = 1000;
/** Seeds beyond this are still integers of 32 bits when runs are added. */
const LARGEST_SEED = 2 ** 30;

const FLAGS = {
  seed: n(
    whole(0, 2 ** 32 - 1, undefined, "the first seed; alone it plays that one run (default: a random seed)"),
  ),
  runs: n(
    whole(0, 1_000_000_000, undefined, `how many seeds to play (default: ${DEFAULT_RUNS}; 1 with --seed)`),
  ),
  minutes: n(decimal(0, 1_000_000, undefined, "play for so long instead")),
  requests: n(whole(0, 1_000_000, undefined, "requests of each run (default: as the seed decides)")),
  without: {
    ...listOf<Fault>(
      [],
      "names of faults",
      "leave these faults out",
      (text) => FAULTS.find((fault) => fault === text),
    ),
    value: "A,B",
  },
  bug: {
    ...text("the name of a bug (simulate --help lists them)", /\S/, "plant a bug in the core first"),
    value: "NAME",
    parse: (text: string) => BUG_NAMES.find((bug) => bug === text),
  },
  counts: yes("print how often each kind of thing happened"),
};

const HELP = `Usage: deno task simulate [FLAGS]

Plays the production scheduler on a virtual clock, between callers and workers that misbehave. Each seed draws its own
settings, traffic and faults. Ends with 1 when a promise breaks, and prints the command that shows it again.

Examples:
  deno task simulate
  deno task simulate --minutes 10 --counts
  deno task simulate --seed 7 --requests 20 --without storms,slow
  deno task simulate --bug settled_twice

Flags:
${flagsHelp(FLAGS)}

Faults:
${wrapped(FAULTS.join(", "), "  ")}

Bugs:
${wrapped(BUG_NAMES.join(", "), "  ")}

Exit codes: 0 no promise broke, 1 one broke, 2 wrong use.`;

interface Options extends Choices {
  readonly seed: number;
  readonly runs: number;
  readonly minutes: number | undefined;
  readonly bug: string | undefined;
  readonly counts: boolean;
}

/** @throws {StartupError} with one line for each problem */
function parse(args: readonly string[]): Options | "help" {
  const { values, problems, help } = readCommandLine({ name: "simulate", flags: FLAGS }, args, {});
  if (help) return "help";
  if (problems.length > 0) throw new StartupError(problems);
  const { seed, runs = seed === undefined ? DEFAULT_RUNS : 1, ...others } = values;
  return { ...others, runs, seed: seed ?? Math.floor(Math.random() * LARGEST_SEED) };
}

function n<T extends object>(flag: T): T & { readonly value: string } {
  return { ...flag, value: "N" };
}

/** Plays the seeds; the exit code. */
function play(options: Options, makeCore: MakeCore): number {
  const { seed: first, runs, minutes, bug, without = [] } = options;
  const started = performance.now();
  const until = minutes === undefined ? Infinity : started + minutes * 60_000;
  const tally = new Tally();
  let requests = 0;
  let lastedMs = 0;
  let shownAt = started;
  const progress = (played: number) => {
    const seconds = (performance.now() - started) / 1000;
    const hours = (lastedMs / 3_600_000).toFixed(1);
    print(
      `${played} runs, ${requests} requests, ${hours} virtual hours in ${
        seconds.toFixed(1)
      } s: no promise broke`,
    );
  };
  let played = 0;
  print(`from seed ${first}${bug ? `, with the bug ${bug}` : ""}`);
  for (; minutes === undefined ? played < runs : performance.now() < until; played++) {
    const seed = first + played;
    const scenario = scenarioOf(seed, options);
    const run = simulate(scenario, makeCore);
    if (run.broken) {
      print(`seed ${seed} broke a promise after ${played} good runs`);
      // With a number of requests it is most likely a small case already.
      const failure = options.requests === undefined
        ? shrink(scenario, without, run.broken, makeCore)
        : { seed, requests: scenario.requests, without, broken: run.broken };
      print(report(failure, makeCore, bug));
      return 1;
    }
    requests += scenario.requests;
    lastedMs += run.lastedMs;
    tally.addAll(run.tally);
    if (performance.now() - shownAt < 5000) continue;
    shownAt = performance.now();
    progress(played + 1);
  }
  progress(played);
  if (options.counts) print(tally.lines().join("\n"));
  return 0;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === "help") {
    print(HELP);
    return EXIT.done;
  }
  return play(
    options,
    options.bug === undefined ? (scenario) => coreOf(scenario) : await buggyCore(options.bug),
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(exitCodeOf));
