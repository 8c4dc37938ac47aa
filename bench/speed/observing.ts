import { checkCounters } from "./counters.ts";
import { measuredTurn, type Turn } from "./cpu_time.ts";
import { type Figure, median, spread } from "./figure.ts";
import { h2load } from "./load_h2.ts";
import { type EngineOptions, type MeasuredEngine, startEngine, startOtlpSink, startWorker } from "./setup.ts";

/** Many short turns: what else the machine does then weighs on all alike. */
const ROUNDS = 30;
const REQUESTS = 1000;
const WARM_UP = 5000;
/**
 * What being watched costs the engine: CPU and requests/s of `direct` (null worker, 128 closed-loop clients) when it
 * traces every request, or 1 % of them, over those without traces, all taking turns. Metrics are always on: what
 * they cost shows beside an engine of before them (SPEED_BASELINE), where the quotient is of this one over that.
 * @throws {SetupError} where there is no /proc
 */
export async function observing(folder: string): Promise<Figure> {
  await using worker = await startWorker("sim", { SIM_PROFILE: "null" }, folder);
  await using sink = await startOtlpSink();
  await using engines = new AsyncDisposableStack();
  const start = async (name: string, options: EngineOptions = {}) =>
    [
      name,
      engines.use(await startEngine("direct", worker.endpoint, {}, folder, { name, ...options })),
    ] as const;
  const traced = { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_ENDPOINT: `http://${sink.address}` };
  const sampled = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" };
  const baseline = Deno.env.get("SPEED_BASELINE");
  const variants = new Map([
    await start("off"),
    await start("on", { env: traced }),
    await start("sampled", { env: { ...traced, ...sampled } }),
    ...(baseline
      ? [await start("before", { checkout: { folder: baseline, commit: null, changed: false } })]
      : []),
  ]);
  for (const { process } of variants.values()) {
    await h2load({ address: process.address, requests: WARM_UP, maxTokens: 1 });
  }
  const turns = new Map([...variants.keys()].map((name) => [name, [] as Turn[]]));
  for (let round = 0; round < ROUNDS; round++) {
    const order = [...variants];
    order.push(...order.splice(0, round % order.length));
    for (const [name, engine] of order) turns.get(name)!.push(await turn(engine));
  }
  for (const { load } of variants.values()) await checkCounters(load, WARM_UP + ROUNDS * REQUESTS);
  return figureOf(turns);
}

function turn({ process }: MeasuredEngine): Promise<Turn> {
  const load = () => h2load({ address: process.address, requests: REQUESTS, maxTokens: 1 });
  return measuredTurn(process.pid, REQUESTS, load);
}

function figureOf(turns: ReadonlyMap<string, readonly Turn[]>): Figure {
  const off = turns.get("off")!;
  const quotients = (name: string, of: keyof Turn) =>
    turns.get(name)!.map((turn, round) => turn[of] / off[round]![of]);
  const parts = ["on", "sampled"].map((name) =>
    `${name === "on" ? "all traced" : "1 % traced"}: CPU ${spread(quotients(name, "cpuUs"))}, ` +
    `requests/s ${spread(quotients(name, "perSecond"))}`
  );
  const before = turns.has("before")
    ? quotients("before", "cpuUs").map((quotient) => 1 / quotient)
    : undefined;
  if (before) parts.push(`untraced over the other checkout: CPU ${spread(before)}`);
  const offUs = median(off.map(({ cpuUs }) => cpuUs));
  return {
    name: "CPU a request and requests/s of direct (null worker, 128 clients) with traces / without",
    reached: `${parts.join("; ")}; without traces ${offUs.toFixed(0)} us of CPU a request`,
    target: "untraced over the other checkout <= 1.03",
    met: before === undefined || median(before) <= 1.03,
    samples: Object.fromEntries(
      [...turns].flatMap(([name, list]) => [
        [`${name}CpuUs`, list.map(({ cpuUs }) => cpuUs)],
        [`${name}PerSecond`, list.map(({ perSecond }) => perSecond)],
      ]),
    ),
  };
}
