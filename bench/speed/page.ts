import { EngineHttp } from "../../src/terminal/engine_http.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { browserPath, launch } from "../../tests/support/bench/report_browser.ts";
import { checkCounters } from "./counters.ts";
import { measuredTurn, type Turn } from "./cpu_time.ts";
import { type Figure, median, spread } from "./figure.ts";
import { h2load } from "./load_h2.ts";
import { freePort } from "../../src/serve/free_port.ts";
import { type MeasuredEngine, startEngine, startWorker } from "./setup.ts";

const BATCHES = { BATCH_WINDOW_MS: 20, MAX_BATCH_SIZE: 32 } as const;
const ROUNDS = 9;
/** Some seconds of them, for the page is told something once a second. */
const REQUESTS = 12_000;
const READY_MS = 15_000;

/** Who reads `/live` meanwhile. What "nobody again" differs from "nobody" by is the measurement's own noise. */
const WATCHERS = ["nobody", "nobody again", "reader", "browser"] as const;
type Watcher = (typeof WATCHERS)[number];

/**
 * What the live page costs the engine: its CPU a request and its requests/s (micro_batch, null worker, 128 closed-loop
 * clients) while a plain reader follows `/live`, or a headless Chromium has the page open, over those with nobody
 * there; all take turns on one engine. The browser's own work takes processor time from the engine where they share
 * a small machine, so of it only the engine's CPU tells what the page costs.
 * @throws {SetupError} where there is no /proc
 */
export async function watchedByPage(folder: string): Promise<Figure> {
  await using worker = await startWorker("sim", { SIM_PROFILE: "null" }, folder);
  const port = freePort();
  const env = { HTTP_PORT: String(port) };
  await using engine = await startEngine("micro_batch", worker.endpoint, BATCHES, folder, { env });
  const url = `http://127.0.0.1:${port}/`;
  await using page = await pageAt(url);
  const watchers = WATCHERS.filter((name) => name !== "browser" || page);
  const turns = new Map<Watcher, Turn[]>(watchers.map((name) => [name, []]));
  await turn(engine);
  for (let round = 0; round < ROUNDS; round++) {
    const order = [...watchers];
    order.push(...order.splice(0, round % order.length));
    for (const name of order) {
      await using _ = name === "reader"
        ? await read(url)
        : name === "browser"
        ? await page?.open()
        : undefined;
      turns.get(name)!.push(await turn(engine));
    }
  }
  await checkCounters(engine.load, (ROUNDS * watchers.length + 1) * REQUESTS);
  return figureOf(turns);
}

function turn({ process }: MeasuredEngine): Promise<Turn> {
  const load = () => h2load({ address: process.address, requests: REQUESTS, maxTokens: 1 });
  return measuredTurn(process.pid, REQUESTS, load);
}

/** Reads `/live` and forgets it, from its first event on. */
async function read(url: string): Promise<AsyncDisposable> {
  const engine = new EngineHttp({ url: url.replace(/\/$/, ""), apiKey: undefined, certificates: undefined });
  const { body } = await engine.send("/live", { signal: new AbortController().signal });
  if (!body) throw new SetupError([`${url}live must bring events, but brought nothing`]);
  const reader = body.getReader();
  await reader.read();
  const over = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    async [Symbol.asyncDispose]() {
      await reader.cancel(); // Deno 2.9.3 forgets the signal of a fetch whose Response is garbage
      await over;
      engine[Symbol.dispose]();
    },
  };
}

interface LivePage extends AsyncDisposable {
  /** With the engine's figures in it. */
  open(): Promise<AsyncDisposable>;
}

/** Undefined where there is no browser. */
async function pageAt(url: string): Promise<LivePage | undefined> {
  const path = browserPath();
  if (path === undefined) return undefined;
  const browser = await launch(path);
  return {
    async open() {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      await page.goto(url);
      await page.locator('[data-figure="health"][data-value]').waitFor({ timeout: READY_MS });
      return { [Symbol.asyncDispose]: () => page.close() };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

function figureOf(turns: ReadonlyMap<Watcher, readonly Turn[]>): Figure {
  const [nobody, again] = [turns.get("nobody") ?? [], turns.get("nobody again") ?? []];
  const quotients = (name: Watcher, of: keyof Turn) =>
    (turns.get(name) ?? []).map((turn, round) => {
      const [one, other] = [nobody[round]![of], again[round]![of]];
      return turn[of] / (name === "nobody again" ? one : (one + other) / 2);
    });
  const parts = [...turns.keys()].filter((name) => name !== "nobody").map((name) =>
    `${name}: CPU ${spread(quotients(name, "cpuUs"), 3)}, requests/s ${
      spread(quotients(name, "perSecond"), 3)
    }`
  );
  if (!turns.has("browser")) parts.push("no browser here");
  return {
    name: "CPU a request and requests/s of micro_batch (20 ms x 32, null worker, 128 clients) " +
      "with /live read / with nobody there",
    reached: `${parts.join("; ")}; with nobody ${
      median(nobody.map(({ cpuUs }) => cpuUs)).toFixed(0)
    } us of CPU a request, ${median(nobody.map(({ perSecond }) => perSecond)).toFixed(0)} requests/s`,
    target: "CPU with a reader <= 1.01",
    met: median(quotients("reader", "cpuUs")) <= 1.01,
    samples: Object.fromEntries(
      [...turns].flatMap(([name, list]) => [
        [`${name} cpuUs`, list.map(({ cpuUs }) => cpuUs)],
        [`${name} perSecond`, list.map(({ perSecond }) => perSecond)],
      ]),
    ),
  };
}
