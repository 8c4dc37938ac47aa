import { LOCAL_WORKER_SETTINGS, SETTINGS, type Settings } from "../../src/config/config.ts";
import { cellsOf, type Lengths, type Load, type RequestClass, type Slo, type Variant } from "../plan.ts";
import type { EngineSettings } from "../record/environment.ts";
import { MODE_SETTINGS, modeOf } from "../../src/core/modes/modes.ts";
import { counted } from "../words.ts";
import type { ReportInput } from "./input.ts";

/** Of the cores, taken by other programs, from which on the reader is told. */
const BUSY_SHARE = 0.25;

/** The times are those of a profile: no model ran for at least one of the answers. */
export function isSimulated({ environment: { worker }, samples }: ReportInput): boolean {
  return worker?.simulated === true || samples.some(({ simulated }) => simulated);
}

/** What answered, and on which machine. */
export function subjectLine(input: ReportInput): string {
  const { machine, worker, target } = input.environment;
  const what = worker?.model
    ? `${worker.model} on ${worker.backend}`
    : `${worker?.endpoint ? "worker" : "engine"} at ${worker?.endpoint ?? target}`;
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  const line = `${what}; ${machine.cores} x ${machine.cpu}, ${memory}, ${machine.os} ${machine.arch}`;
  return isSimulated(input) ? `SIMULATED, no model ran: ${line}` : line;
}

/** Other programs take time from what is measured, and not the same from each variant. Undefined on a quiet machine. */
function busyMachine(
  { environment: { machine: { loadAverage, cores } } }: ReportInput,
): string | undefined {
  if (loadAverage < BUSY_SHARE * cores) return undefined;
  return `The machine was busy before the run (load ${loadAverage.toFixed(1)} on ${
    counted(cores, "core")
  }), ` +
    "so expect other figures when it is not.";
}

/** What the reader must know before the figures: other programs on the machine, and turns that are not there. */
export function warnings(input: ReportInput): string[] {
  return [busyMachine(input), missingTurns(input)].filter((line) => line !== undefined);
}

/** A search decides its turns itself; any other command plans them. */
const SEARCHES = ["tune", "saturate"];

function missingTurns({ plan, samples, environment: { command } }: ReportInput): string | undefined {
  if (SEARCHES.some((name) => command.includes(name))) return undefined;
  const planned = cellsOf(plan).length * plan.rounds;
  const turns = samples.filter(({ phase }) => phase === "measured")
    .map(({ variant, load, round }) => JSON.stringify([variant, load, round]));
  const measured = new Set(turns).size;
  if (measured >= planned) return undefined;
  return `Only ${measured} of ${counted(planned, "turn")} measured anything; the figures are of these alone.`;
}

/** The cells that findings speak against, each with all of them. */
export function doubtfulCells({ summary: { cells } }: ReportInput): string[] {
  return cells.filter(({ verdict }) => !verdict.valid).map(({ variant, load, verdict }) =>
    `${variant}, ${load}: ${verdict.findings.map(({ text }) => text).join(" ")}`
  );
}

/** What was asked and how, as label and text. */
export function aboutRun(input: ReportInput): [label: string, text: string][] {
  const { environment, plan } = input;
  const { versions, git } = environment;
  const about: [string, string][] = [
    ["Measured", subjectLine(input)],
    ["Started", environment.startedAt],
    ["Command", environment.command.join(" ")],
    ["Code", git === null ? "no git checkout" : `commit ${git.commit}${git.changed ? ", with changes" : ""}`],
    ["Versions", `Deno ${versions.deno}, V8 ${versions.v8}`],
    ["Loads", plan.loads.map(loadText).join("; ")],
    ["Requests", plan.mix.classes.map((one) => classText(one, plan.mix.classes.length > 1)).join("; ")],
    ["Turns", turnsText(input)],
    ["SLO", sloText(plan.slo) ?? "none stated"],
  ];
  const { engine, target } = environment;
  if (!engine) return [...about, ["Engine", `${target} in mode ${plan.variants[0]?.mode ?? "unknown"}`]];
  const changed = changedSettings(engine);
  return [
    ...about,
    ["Engine", settingsText(engine, plan.variants)],
    ...(changed === "" ? [] : [["Settings", changed] satisfies [string, string]]),
  ];
}

/** They are told elsewhere: where the worker is and what it runs, and what shapes single modes. */
const TOLD_ELSEWHERE = new Set<string>([
  ...Object.keys(MODE_SETTINGS),
  "WORKER_ENDPOINT",
  ...Object.keys(LOCAL_WORKER_SETTINGS),
]);

/** The common settings that are not the engine's defaults. */
function changedSettings(engine: EngineSettings): string {
  const names = (Object.keys(engine) as (keyof EngineSettings)[]).filter((name) => !TOLD_ELSEWHERE.has(name));
  return assignments(Object.fromEntries(
    names.filter((name) => engine[name] !== SETTINGS[name]?.fallback).map((name) => [name, engine[name]]),
  ));
}

/** How the figures came about, as sentences. */
export function howMeasured({ environment, plan }: ReportInput): string[] {
  const kinds = new Set(plan.loads.map(({ kind }) => kind));
  const lines = [
    kinds.has("closed") ? "Closed loop: a client asks again when it has its answer." : "",
    kinds.has("open") ? "Open loop: requests leave at their instants, whatever becomes of those before." : "",
    `All share ${counted(environment.connections, "connection")}; the warm-up is left out.`,
    "TTFT, TPOT and E2E count from the instant at which a request was meant to leave; a failure is infinitely late.",
    "Queue: mean time in the engine's queue, in ms. Batch: mean requests in a batch, over the batches.",
  ];
  return lines.filter((line) => line !== "");
}

export function sloText({ ttftMs, tpotMs, e2eMs }: Slo): string | undefined {
  const limits = [["TTFT", ttftMs], ["TPOT", tpotMs], ["E2E", e2eMs]] as const;
  const stated = limits.flatMap(([name, ms]) => ms === undefined ? [] : [`${name} <= ${ms} ms`]);
  return stated.length === 0 ? undefined : stated.join(", ");
}

function loadText(load: Load): string {
  if (load.kind === "closed") return `${load.name}: closed loop of ${counted(load.concurrency, "client")}`;
  const { kind, ...parameters } = load.arrivals;
  return `${load.name}: open loop, ${kind} (${assignments(parameters)})`;
}

function classText({ name, weight, prompt, output, exactOutput }: RequestClass, weighed: boolean): string {
  const input = prompt.kind === "natural"
    ? "natural prompts"
    : `prompts of ${lengthsText(prompt.length)} tokens` +
      (prompt.sharedPrefix > 0
        ? `, of which ${prompt.sharedPrefix} are shared (${counted(prompt.prefixes, "group")})`
        : "");
  const answer = `${exactOutput ? "exactly" : "at most"} ${lengthsText(output)} output tokens`;
  return `${name}${weighed ? ` (weight ${weight})` : ""}: ${input}, ${answer}`;
}

function lengthsText(lengths: Lengths): string {
  if (lengths.kind === "fixed") return String(lengths.tokens);
  const { kind, ...parameters } = lengths;
  return `${kind} (${assignments(parameters)})`;
}

function turnsText({ plan: { rounds, requests, durationMs, seed, stream, timeoutMs } }: ReportInput): string {
  const limits = [
    requests === null ? "" : `${counted(requests, "request")} a cell`,
    durationMs === null ? "" : `${durationMs / 1000} s a cell`,
  ];
  return [
    counted(rounds, "round"),
    ...limits,
    `seed ${seed}`,
    stream ? "streamed" : "answers in one piece",
    `deadline ${timeoutMs / 1000} s`,
  ].filter((part) => part !== "").join(", ");
}

/** The common settings that shape the variants' modes, each with what its variants change. */
function settingsText(engine: EngineSettings, variants: readonly Variant[]): string {
  return variants.map(({ name, mode, settings }) => {
    const shaping = mode === null ? [] : Object.keys(modeOf(mode).settings) as (keyof EngineSettings)[];
    const common: Partial<Settings> = Object.fromEntries(
      shaping.map((setting) => [setting, engine[setting]]),
    );
    return `${name}: ${assignments({ ...common, ...settings })}`;
  }).join("; ");
}

function assignments(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values).map((entry) => entry.join("=")).join(" ");
}
