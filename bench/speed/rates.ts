/** Figures of requests a second and of CPU time a request, of engines whose worker takes no time. */
import { credentials } from "@grpc/grpc-js";
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { freePort } from "../../src/serve/free_port.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { EngineHttp } from "../../src/terminal/engine_http.ts";
import { browserPath, launch } from "../../tests/support/bench/report_browser.ts";
import { loadGrpc, loadHttp, PROMPT } from "./h2load.ts";
import {
  checkCounters,
  cpuPerRequest,
  type EngineOptions,
  type Figure,
  inTurns,
  type Part,
  Setup,
  type StartedEngine,
} from "./harness.ts";

const BATCHES = { BATCH_WINDOW_MS: 20, MAX_BATCH_SIZE: 32 } as const;

/** What a request costs in the engine, with a worker that takes no time: its rate against that of a bare echo. */
export const echo: Figure = {
  title: "requests/s of micro_batch (20 ms x 32, null worker, 128 clients) beside a bare echo",
  async measure(setup) {
    const [rounds, requests] = [7, 30_000];
    const engine = await setup.engine("micro_batch", await setup.simWorker("null"), { settings: BATCHES });
    const bare = await setup.server("echo");
    const turn = (address: string) => async () => ({
      perSecond: (await loadGrpc({ address, requests, maxTokens: 1 })).perSecond,
    });
    const turns = await inTurns(rounds, { echo: turn(bare.address), engine: turn(engine.address) });
    await checkCounters(engine.load, (rounds + 1) * requests);
    return turns.compare("engine", "echo", "perSecond", { what: "requests/s", atLeast: 0.7 });
  },
};

/** A worker that can do 1,600 requests a second: 20 ms for a batch of up to 32, one batch at a time. */
const ONE_BATCH_AT_A_TIME = {
  source: "20 ms a batch, one at a time.",
  step_ms: [[1, 20]],
  max_rows: 32,
} as const;
const POSSIBLE = 32 / 0.020;

/**
 * How much the engine gets out of such a worker. With BATCHES_IN_FLIGHT 2 the next batch is already there when one
 * ends; with 1 the way there and back is part of every batch, as it is for a bare client, which is given beside it.
 */
export const fixed: Figure = {
  title: "requests/s with a worker of 20 ms a batch (128 clients, size 32) / possible 1,600",
  async measure(setup) {
    const worker = await setup.simWorker(ONE_BATCH_AT_A_TIME);
    const through = (batchesInFlight: number) => async () => {
      await using own = new Setup(setup.folder);
      const settings = { ...BATCHES, BATCHES_IN_FLIGHT: batchesInFlight };
      const { address } = await own.engine("micro_batch", worker, { settings });
      await loadGrpc({ address, requests: 1600, maxTokens: 1 });
      return { share: (await loadGrpc({ address, requests: 8000, maxTokens: 1 })).perSecond / POSSIBLE };
    };
    const bare = async () => ({ share: await bareBatches(worker) / POSSIBLE });
    const turns = await inTurns(3, { bare, inFlight1: through(1), inFlight2: through(2) }, { warmUps: 0 });
    return [
      { what: "BATCHES_IN_FLIGHT=2", values: turns.of("inFlight2", "share"), atLeast: 0.95 },
      { what: "BATCHES_IN_FLIGHT=1", values: turns.of("inFlight1", "share") },
      { what: "a bare client that sends batch after batch", values: turns.of("bare", "share") },
    ];
  },
};

/** Requests/s of a client that sends GenerateBatch of 32 again and again, with no engine between. */
async function bareBatches(endpoint: string): Promise<number> {
  const stub = new omnispan.Worker(addressOf(endpoint), credentials.createInsecure());
  const requests = Array.from(
    { length: 32 },
    (_, i) => ({ requestId: `r${i}`, prompt: PROMPT, maxTokens: 1 }),
  );
  const batch = () =>
    new Promise<void>((resolve, reject) =>
      stub.generateBatch({ requests }, (error) => error ? reject(error) : resolve())
    );
  for (let i = 0; i < 20; i++) await batch();
  const [start, batches] = [now(), 200];
  for (let i = 0; i < batches; i++) await batch();
  const rate = (batches * 32) / ((now() - start) / 1000);
  stub.close();
  return rate;
}

/**
 * What OpenAI's API costs beside gRPC, on one engine in turn: requests/s and the engine's CPU a request of 32
 * closed-loop clients, one token each in one piece, and 64 tokens streamed.
 */
export const http: Figure = {
  title:
    "OpenAI's API beside gRPC, 32 clients, direct, null worker, in one piece and in streams of 64 tokens",
  async measure(setup) {
    const [clients, requests, streams, streamTokens] = [32, 8000, 1000, 64];
    const port = freePort();
    const worker = await setup.simWorker("null");
    const { address, pid } = await setup.engine("direct", worker, { env: { HTTP_PORT: String(port) } });
    const grpc =
      (rpc: "SubmitGenerate" | "SubmitGenerateStream", requests: number, maxTokens: number) => () =>
        cpuPerRequest(
          pid,
          requests,
          async () => (await loadGrpc({ address, requests, maxTokens, rpc, streams: clients / 4 })).perSecond,
        );
    const openai = (stream: boolean, requests: number, maxTokens: number) => () =>
      cpuPerRequest(pid, requests, async () => {
        const body = { prompt: PROMPT, max_tokens: maxTokens, temperature: 0, stream };
        const place = { address: `127.0.0.1:${port}`, path: "/v1/completions" };
        return (await loadHttp({ ...place, body, requests, clients })).perSecond;
      });
    const turns = await inTurns(7, {
      "gRPC": grpc("SubmitGenerate", requests, 1),
      "HTTP": openai(false, requests, 1),
      "gRPC streams": grpc("SubmitGenerateStream", streams, streamTokens),
      "HTTP streams": openai(true, streams, streamTokens),
    });
    return ([["HTTP", "gRPC"], ["HTTP streams", "gRPC streams"]] as const).flatMap(([over, under]) => [
      ...turns.compare(over, under, "perSecond", { what: "requests/s" }),
      ...turns.compare(over, under, "cpuUs", { what: "CPU a request", unit: "us" }),
    ]);
  },
};

/**
 * What being watched costs the engine when it traces every request, or 1 % of them, over those without traces; many
 * short turns, so that what else the machine does weighs on all alike. Metrics are always on: what they cost shows
 * beside an engine of before them (SPEED_BASELINE), where the quotient is of this one over that.
 */
export const observing: Figure = {
  title:
    "CPU a request and requests/s of direct (null worker, 128 clients) with traces of all or 1 % / without",
  async measure(setup) {
    const [rounds, requests, warmUps] = [30, 1000, 5];
    const worker = await setup.simWorker("null");
    const sink = await setup.server("traces");
    const traced = { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_ENDPOINT: `http://${sink.address}` };
    const sampled = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" };
    const baseline = Deno.env.get("SPEED_BASELINE");
    const start = async (
      name: string,
      options: EngineOptions = {},
    ): Promise<[string, StartedEngine]> => [name, await setup.engine("direct", worker, { name, ...options })];
    const engines = [
      await start("off"),
      await start("on", { env: traced }),
      await start("sampled", { env: { ...traced, ...sampled } }),
    ];
    if (baseline) {
      engines.push(await start("before", { checkout: { folder: baseline, commit: null, changed: false } }));
    }
    const turnsOf = engines.map(([name, engine]) => [name, () => cpuOf(engine, requests)] as const);
    const turns = await inTurns(rounds, Object.fromEntries(turnsOf), { warmUps });
    for (const [, { load }] of engines) await checkCounters(load, (rounds + warmUps) * requests);
    return [
      ...["on", "sampled"].flatMap((name) => [
        { what: `CPU, traces ${name} / off`, values: turns.ratios(name, "off", "cpuUs") },
        { what: `requests/s, traces ${name} / off`, values: turns.ratios(name, "off", "perSecond") },
      ]),
      ...(baseline
        ? [{
          what: "CPU, off / the other checkout",
          values: turns.ratios("off", "before", "cpuUs"),
          atMost: 1.03,
        }]
        : []),
      { what: "CPU a request, off", values: turns.of("off", "cpuUs"), unit: "us", digits: 0 },
    ];
  },
};

/**
 * What the live page costs the engine while a plain reader follows `/live`, or a headless Chromium has the page open, over
 * those with nobody there; what "nobody again" differs from "nobody" by is the measurement's own noise. A turn lasts some
 * seconds, for the page is sent something once a second. The browser's own work takes processor time from the engine where
 * they share a small machine, so of it only the engine's CPU tells what the page costs.
 */
export const page: Figure = {
  title:
    "CPU a request and requests/s of micro_batch (20 ms x 32, null worker, 128 clients) with /live read / without",
  async measure(setup) {
    const [rounds, requests] = [9, 12_000];
    const port = freePort();
    const options = { settings: BATCHES, env: { HTTP_PORT: String(port) } };
    const engine = await setup.engine("micro_batch", await setup.simWorker("null"), options);
    const url = `http://127.0.0.1:${port}`;
    const chromium = browserPath();
    const browser = chromium === undefined ? undefined : await launch(chromium);
    if (browser) setup.use({ [Symbol.asyncDispose]: () => browser.close() });
    const watchedBy = (watch?: () => Promise<AsyncDisposable>) => async () => {
      await using _ = await watch?.();
      return await cpuOf(engine, requests);
    };
    const watchers: Record<string, ReturnType<typeof watchedBy>> = {
      nobody: watchedBy(),
      "nobody again": watchedBy(),
      reader: watchedBy(() => readLive(url)),
      ...(browser && { browser: watchedBy(() => openPage(browser, url)) }),
    };
    const turns = await inTurns(rounds, watchers);
    await checkCounters(engine.load, (rounds + 1) * Object.keys(watchers).length * requests);
    const ratios = (name: string, measure: "cpuUs" | "perSecond") => {
      const again = turns.of("nobody again", measure);
      const bare = turns.of("nobody", measure)
        .map((one, turn) => name === "nobody again" ? one : (one + again[turn]!) / 2);
      return turns.of(name, measure).map((value, turn) => value / bare[turn]!);
    };
    return [
      ...Object.keys(watchers).filter((name) => name !== "nobody").flatMap((name): Part[] => {
        const cpu = { what: `CPU, ${name}`, values: ratios(name, "cpuUs"), digits: 3 };
        return [
          name === "reader" ? { ...cpu, atMost: 1.01 } : cpu,
          { what: `requests/s, ${name}`, values: ratios(name, "perSecond"), digits: 3 },
        ];
      }),
      ...(browser ? [] : [{ what: "no browser here", values: [] }]),
      { what: "CPU a request, nobody", values: turns.of("nobody", "cpuUs"), unit: "us", digits: 0 },
      { what: "requests/s, nobody", values: turns.of("nobody", "perSecond"), digits: 0 },
    ];
  },
};

function cpuOf({ address, pid }: StartedEngine, requests: number) {
  return cpuPerRequest(
    pid,
    requests,
    async () => (await loadGrpc({ address, requests, maxTokens: 1 })).perSecond,
  );
}

/** Reads `/live` and forgets it, from its first event on. */
async function readLive(url: string): Promise<AsyncDisposable> {
  const engine = new EngineHttp({ url, apiKey: undefined, certificates: undefined });
  const { body } = await engine.send("/live");
  if (!body) throw new SetupError([`${url}/live must bring events, but brought nothing`]);
  const reader = body.getReader();
  await reader.read();
  const reading = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    async [Symbol.asyncDispose]() {
      await reader.cancel();
      await reading;
      engine[Symbol.dispose]();
    },
  };
}

/** Opens the live page, with the engine's figures in it. */
async function openPage(browser: Awaited<ReturnType<typeof launch>>, url: string): Promise<AsyncDisposable> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${url}/`);
  await page.locator('[data-figure="health"][data-value]').waitFor({ timeout: 15_000 });
  return { [Symbol.asyncDispose]: () => page.close() };
}
