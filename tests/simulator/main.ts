/** `deno task simulate`: plays the scheduler core through seeded runs with faults until a promise breaks. */
import { parseArgs } from "node:util";
import { print } from "../../src/cli/output.ts";
import type { MakeCore } from "./engine.ts";
import { report, shrink } from "./failure.ts";
import { BUG_NAMES, buggyCore } from "./planted_bugs.ts";
import { type Choices, FAULTS, scenarioOf } from "./scenario.ts";
import { coreOf, simulate } from "./simulate.ts";
import { Tally } from "./tally.ts";

const DEFAULT_RUNS = 1000;
/** Seeds beyond this are still integers of 32 bits when runs are added. */
const LARGEST_SEED = 2 ** 30;

const HELP = `deno task simulate [FLAGS]

The production scheduler on a virtual clock, between callers and workers that misbehave. Each seed draws its own
settings, traffic and faults. Ends with 1 when a promise breaks, and prints the command that shows it again.

  --seed N       the first seed; alone it plays that one run (default: a random seed)
  --runs N       how many seeds to play (default ${DEFAULT_RUNS}; 1 with --seed)
  --minutes M    play for so long instead
  --requests N   requests of each run (default: as the seed decides)
  --without A,B  leave these faults out: ${FAULTS.join(" ")}
  --bug NAME     plant a bug in the core first: ${BUG_NAMES.join(" ")}
  --counts       print how often each kind of thing happened
`;

interface Options extends Choices {
  readonly seed: number;
  readonly runs: number;
  readonly minutes: number | undefined;
  readonly bug: string | undefined;
  readonly counts: boolean;
}

function parse(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string" },
      runs: { type: "string" },
      minutes: { type: "string" },
      requests: { type: "string" },
      without: { type: "string" },
      bug: { type: "string" },
      counts: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return undefined;
  const number = (name: "seed" | "runs" | "minutes" | "requests"): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    const whole = name === "minutes" || Number.isInteger(value);
    if (text.trim() === "" || !(value >= 0) || !whole) {
      throw new Error(`--${name} must be a number, got "${text}"`);
    }
    return value;
  };
  const without = (values.without ?? "").split(",").filter(Boolean).map((name) => {
    const fault = FAULTS.find((fault) => fault === name);
    if (!fault) throw new Error(`--without must name faults, got "${name}"; there are ${FAULTS.join(", ")}`);
    return fault;
  });
  if (values.bug !== undefined && !BUG_NAMES.includes(values.bug)) {
    throw new Error(`--bug must be one of ${BUG_NAMES.join(", ")}, got "${values.bug}"`);
  }
  const seed = number("seed");
  return {
    seed: seed ?? Math.floor(Math.random() * LARGEST_SEED),
    runs: number("runs") ?? (seed === undefined ? DEFAULT_RUNS : 1),
    minutes: number("minutes"),
    requests: number("requests"),
    without,
    bug: values.bug,
    counts: values.counts ?? false,
  };
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

async function main(args: string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = parse(args);
  } catch (error) {
    print(error instanceof Error ? error.message : String(error));
    return 2;
  }
  if (!options) {
    print(HELP);
    return 0;
  }
  return play(
    options,
    options.bug === undefined ? (scenario) => coreOf(scenario) : await buggyCore(options.bug),
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));
