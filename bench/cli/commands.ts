import { type Operands } from "../../src/cli/command_line.ts";
import { MODE_TABLE } from "../../src/core/modes/modes.ts";
import type { FlagName } from "./flags.ts";

/** The modes whose requests wait for each other: a sweep shows what waiting costs, and what it brings. */
export const SWEPT = {
  modes: MODE_TABLE.filter(({ isWindowed }) => isWindowed).map(({ name }) => name),
  rows: 32,
};

interface CommandSpec {
  /** What it does, as one sentence. */
  readonly help: string;
  /** The words that it takes; `usage` shows them. @default none */
  readonly operands?: Operands & { readonly usage: string };
  readonly flags: readonly FlagName[];
  /** Settings of the engine are flags of it too. */
  readonly takesSettings?: true;
  /** Lines of the help, each command with a line below that says what it does. */
  readonly examples: string;
  /** What its flags mean otherwise than in `run`, and its exit codes beyond the common ones. */
  readonly notes?: string;
  /** Of flags that have another default or meaning than in `run`: what the help tells. A default is told, not set. */
  readonly own?: {
    readonly [Name in FlagName]?: { readonly fallback?: string | undefined; readonly help?: string };
  };
}

/** What is asked, how much of it, and who is asked. */
const REQUESTS = [
  "workload",
  "requests",
  "duration",
  "max-tokens",
  "prompt-tokens",
  "exact-output",
  "stream",
  "slo",
  "seed",
  "timeout",
  "out",
] as const satisfies readonly FlagName[];

const LOADS = ["concurrency", "rate", "arrivals", "trace", "speed"] as const satisfies readonly FlagName[];
const VARIANTS = ["modes", "variant", "vary"] as const satisfies readonly FlagName[];

export const COMMANDS = {
  run: {
    help: "Measures modes and settings side by side on the same worker with the same requests.",
    flags: [...VARIANTS, ...LOADS, "rounds", ...REQUESTS, "target", "dialects"],
    takesSettings: true,
    examples: `
  deno task bench
      all modes at 1, 8 and 32 clients, in about ten minutes
  deno task bench run --modes micro_batch,continuous --rate 4,8 --duration 60s
      two modes, open loop
  deno task bench run --workload bench/workload/examples/chat.yaml
      what a workload file says
  deno task bench run --target 127.0.0.1:50061 --concurrency 8
      an engine that is already running
  deno task bench run --trace azure_conv_2023_excerpt --speed 2 --duration 2m
      a recorded trace, twice as fast
  WORKER_ENDPOINT=127.0.0.1:50071 deno task bench
      a worker that is already running
  WORKER_BACKEND=sim deno task bench
      no model: the times of a GPU, simulated`,
  },
  sweep: {
    help:
      "Measures every combination of settings and loads: what does a window of a size cost, and what does it bring?",
    flags: [...VARIANTS, ...LOADS, "rounds", ...REQUESTS],
    takesSettings: true,
    examples: `
  deno task bench sweep
      micro_batch: windows of 0, 10, 50 ms by sizes of 4, 16, 32; 1, 8, 32 clients
  deno task bench sweep --modes continuous --vary MAX_CONCURRENT_STREAMS=4,8,16,32 --rate 2,4,8
      the gate of continuous mode at three rates`,
    notes:
      "Without --vary: the settings of each mode that are worth a try on a worker which runs 32 requests at once.",
    own: { modes: { fallback: SWEPT.modes.join(",") } },
  },
  saturate: {
    help: "Finds the highest rate that a variant keeps up with, and stops by itself.",
    flags: [...VARIANTS, "arrivals", ...REQUESTS, "target"],
    takesSettings: true,
    examples: `
  deno task bench saturate --modes continuous
      the most requests a second before the queue grows without end
  deno task bench saturate --modes micro_batch --slo ttft=1s,tpot=100ms
      the most that keeps the SLO`,
    own: {
      arrivals: { help: "how the requests of a trial come (default: poisson)" },
      requests: { help: "requests of each trial (default: see --duration)" },
      duration: {
        help: "time of each trial (default: 15s, up to 60s where fewer than 400 requests would come)",
      },
    },
    notes:
      "With --slo a rate counts as kept while 95 % of the requests keep it. How it searches: docs/tuning.md.",
  },
  tune: {
    help: "Finds the settings with the best goodput for a load, in few trials, and says how sure it is.",
    flags: [...VARIANTS, ...LOADS, ...REQUESTS],
    takesSettings: true,
    examples: `
  deno task bench tune --rate 6 --slo ttft_p95=500ms,tpot_p95=50ms
      which mode and settings for 6 requests a second
  deno task bench tune --concurrency 16 --slo e2e=3s --vary MAX_BATCH_SIZE=8,16,32
      among settings of one's own`,
    own: {
      modes: {
        fallback: undefined,
        help: "modes whose settings to try (default: a grid of about 20 candidates in all modes)",
      },
      concurrency: { fallback: undefined },
      requests: { help: "requests of each candidate's first turn (default: see --duration)" },
      duration: {
        help: "time of each candidate's first turn (default: 6s to 30s; with --requests: no limit)",
      },
    },
    notes:
      "Takes one load. --slo is required; ttft_p95=500ms asks that 95 % of the requests keep 500 ms. How it searches:\n" +
      "docs/tuning.md.",
  },
  compare: {
    help: "Says which figures of NEW differ from BASE's by more than chance: a gate for CI.",
    operands: {
      usage: "BASE NEW",
      least: 2,
      most: 2,
      rule:
        "must be given BASE and NEW: two folders with results, or two variants (MODE,SETTING=VALUE,... or MODE@CHECKOUT)",
    },
    flags: ["fail-on", ...LOADS, "rounds", ...REQUESTS],
    takesSettings: true,
    examples: `
  deno task bench compare bench/results/base bench/results/new --fail-on 'ttft_p95>+10%'
      two runs; code 3 when TTFT p95 got worse by more than 10 %
  deno task bench compare micro_batch,BATCH_WINDOW_MS=20 continuous --concurrency 8 --rounds 6
      two variants, measured now in turns`,
    own: {
      rounds: { fallback: "6" },
      duration: { help: "time of each cell, over all rounds (default: 60s; with --requests: no limit)" },
    },
    notes:
      "BASE and NEW: folders with results, or variants to measure now, in turns: MODE,SETTING=VALUE,... and, for the engine\n" +
      "of another checkout, MODE@FOLDER.\n" +
      "--fail-on also takes limits on NEW's own figure: ttft_p95>500ms, req_s<20, failed_share>1%.\n" +
      "Exit codes: 3 a limit is broken; 1 the samples can't decide one of them, or nothing was measured.",
  },
  report: {
    help: "Makes the reports of an earlier run again, from its samples alone.",
    operands: {
      usage: "FOLDER",
      least: 1,
      most: 1,
      rule: "must be given one folder with the results of a run",
    },
    flags: ["dialects", "slo"],
    examples: `
  deno task bench report bench/results/2026-01-31T12-00-00
      its table, report.md and report.html again
  deno task bench report bench/results/2026-01-31T12-00-00 --slo ttft=300ms
      goodput under another SLO`,
  },
  reproduce: {
    help: "Runs a published measurement on the simulated worker and prints published against measured.",
    operands: { usage: "a40", least: 1, most: 1, rule: "must be given what to reproduce: a40" },
    flags: ["quick", "out"],
    examples: `
  deno task bench reproduce a40
      Qwen3-32B-AWQ on one A40: 10 rows, about 12 minutes`,
    notes: "Exit code 3: a row is more than 3 % off.",
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

export function commandSpec(name: CommandName): CommandSpec {
  return COMMANDS[name];
}
