/** Figures of requests a second and of CPU time a request, of engines whose worker takes no time. */
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { freePort } from "../../src/serve/free_port.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { EngineHttp } from "../../src/terminal/engine_http.ts";
import { browserPath, launch } from "../../tests/support/bench/report_browser.ts";
import { type Amount, grpcRequest, type H2Request, jsonRequest, sendAll } from "./h2load.ts";
import {
  compared,
  counted,
  cpuTimeUs,
  type EngineOptions,
  type Figure,
  inTurns,
  type Part,
  part,
  PROMPT,
  ratio,
  replyOf,
  Setup,
  type Target,
} from "./harness.ts";

const BATCHES = { BATCH_WINDOW_MS: 20, MAX_BATCH_SIZE: 32 } as const;

/** Requests a second, and the CPU time that each took the target's process. */
function costsOf(target: Target, amount: Amount, request: H2Request = grpcRequest(target.address)) {
  return counted(target, amount.requests, async () => {
    const before = await cpuTimeUs(target);
    const { perSecond } = await sendAll(request, amount);
    return { perSecond, cpuUs: (await cpuTimeUs(target) - before) / amount.requests };
  });
}

/** What a request costs in the engine, with a worker that takes no time: its rate against that of a bare echo. */
export const echo: Figure = {
  title: "requests/s of micro_batch (20 ms x 32, null worker, 128 clients) beside a bare echo",
  async measure(setup) {
    const requests = 30_000;
    const engine = await setup.engine("micro_batch", await setup.simWorker("null"), { settings: BATCHES });
    const bare = await setup.server("echo");
    const rateOf = (target: Target) => () =>
      counted(target, requests, () => sendAll(grpcRequest(target.address), { requests }));
    const turns = await inTurns(7, { echo: rateOf(bare), engine: rateOf(engine) });
    return compared("requests/s", turns, ["engine", "echo"], "perSecond", { atLeast: 0.7 });
  },
};

const [BATCH_ROWS, BATCH_MS] = [32, 20];
const ONE_BATCH_AT_A_TIME = {
  source: "20 ms a batch, one at a time.",
  step_ms: [[1, BATCH_MS]],
  max_rows: BATCH_ROWS,
} as const;
const POSSIBLE = BATCH_ROWS / (BATCH_MS / 1000);

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
      await sendAll(grpcRequest(address), { requests: 1600 });
      return { share: (await sendAll(grpcRequest(address), { requests: 8000 })).perSecond / POSSIBLE };
    };
    const stub = setup.stub(omnispan.Worker, addressOf(worker));
    const requests = Array.from(
      { length: BATCH_ROWS },
      (_, row) => ({ requestId: `r${row}`, prompt: PROMPT, maxTokens: 1 }),
    );
    const send = async (batches: number) => {
      for (let batch = 0; batch < batches; batch++) {
        await replyOf((done) => stub.generateBatch({ requests }, done));
      }
    };
    const bare = async () => {
      await send(20);
      const [startedAt, batches] = [now(), 200];
      await send(batches);
      return { share: batches * BATCH_ROWS / ((now() - startedAt) / 1000) / POSSIBLE };
    };
    const turns = await inTurns(3, { bare, inFlight1: through(1), inFlight2: through(2) }, { warmUps: 0 });
    return [
      part("BATCHES_IN_FLIGHT=2", turns.inFlight2, "share", { atLeast: 0.95 }),
      part("BATCHES_IN_FLIGHT=1", turns.inFlight1, "share"),
      part("a bare client that sends batch after batch", turns.bare, "share"),
    ];
  },
};

/**
 * What OpenAI's API costs beside gRPC, on one engine in turn: requests/s and the engine's CPU a request of 32
 * closed-loop clients, one token each in one piece, and 64 tokens streamed.
 */
export const http: Figure = {
  title:
    "OpenAI's API beside gRPC, 32 clients, direct, null worker, in one piece and in streams of 64 tokens",
  async measure(setup) {
    const [clients, port] = [32, freePort()];
    const env = { HTTP_PORT: String(port) };
    const engine = await setup.engine("direct", await setup.simWorker("null"), { env });
    const [pieces, streams] = [{ requests: 8000, clients }, { requests: 1000, clients }];
    const openai = (stream: boolean, tokens: number) => {
      const body = { prompt: PROMPT, max_tokens: tokens, temperature: 0, stream };
      return jsonRequest(`http://127.0.0.1:${port}/v1/completions`, body, clients);
    };
    const turns = await inTurns(7, {
      "gRPC": () => costsOf(engine, pieces),
      "HTTP": () => costsOf(engine, pieces, openai(false, 1)),
      "gRPC streams": () => costsOf(engine, streams, grpcRequest(engine.address, 64, "SubmitGenerateStream")),
      "HTTP streams": () => costsOf(engine, streams, openai(true, 64)),
    });
    return ([["HTTP", "gRPC"], ["HTTP streams", "gRPC streams"]] as const).flatMap((pair) => [
      ...compared("requests/s", turns, pair, "perSecond"),
      ...compared("CPU a request", turns, pair, "cpuUs"),
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
    const worker = await setup.simWorker("null");
    const sink = await setup.server("traces");
    const traced = { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_ENDPOINT: `http://${sink.address}` };
    const sampled = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" };
    const folder = Deno.env.get("SPEED_BASELINE");
    const variants: Record<string, EngineOptions> = {
      off: {},
      on: { env: traced },
      sampled: { env: { ...traced, ...sampled } },
      ...(folder && { before: { checkout: { folder, commit: null, changed: false } } }),
    };
    const measuring: Record<string, () => ReturnType<typeof costsOf>> = {};
    for (const [name, options] of Object.entries(variants)) {
      const engine = await setup.engine("direct", worker, { name, ...options });
      measuring[name] = () => costsOf(engine, { requests: 1000 });
    }
    const { off = [], before, ...traces } = await inTurns(30, measuring, { warmUps: 5 });
    return [
      ...Object.entries(traces).flatMap(([name, turns]) => [
        ratio(`CPU, traces ${name} / off`, [turns, off], "cpuUs"),
        ratio(`requests/s, traces ${name} / off`, [turns, off], "perSecond"),
      ]),
      ...(before ? [ratio("CPU, off / the other checkout", [off, before], "cpuUs", { atMost: 1.03 })] : []),
      part("CPU a request, off", off, "cpuUs"),
      part("requests/s, off", off, "perSecond"),
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
    const port = freePort();
    const options = { settings: BATCHES, env: { HTTP_PORT: String(port) } };
    const engine = await setup.engine("micro_batch", await setup.simWorker("null"), options);
    const url = `http://127.0.0.1:${port}`;
    const watchedBy = (watch?: () => Promise<AsyncDisposable>) => async () => {
      await using _ = await watch?.();
      return await costsOf(engine, { requests: 12_000 });
    };
    const chromium = browserPath();
    const browser = chromium === undefined
      ? undefined
      : setup.adopt(await launch(chromium), (browser) => browser.close());
    const watchers: Record<string, ReturnType<typeof watchedBy>> = {
      nobody: watchedBy(),
      "nobody again": watchedBy(),
      reader: watchedBy(() => readLive(url)),
      ...(browser && { browser: watchedBy(() => openPage(browser, url)) }),
    };
    const { nobody = [], ...turns } = await inTurns(9, watchers);
    return [
      ...Object.entries(turns).flatMap(([name, watched]): Part[] => [
        ratio(`CPU, ${name}`, [watched, nobody], "cpuUs", {
          digits: 3,
          ...(name === "reader" && { atMost: 1.01 }),
        }),
        ratio(`requests/s, ${name}`, [watched, nobody], "perSecond", { digits: 3 }),
      ]),
      ...(browser ? [] : [{ what: "no browser here", values: [] }]),
      part("CPU a request, nobody", nobody, "cpuUs"),
      part("requests/s, nobody", nobody, "perSecond"),
    ];
  },
};

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
