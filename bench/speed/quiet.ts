import { addressOf } from "../../src/config/config.ts";
import { loadBursts } from "./h2load.ts";
import { checkCounters, type Figure, inTurns, median, percentile, type Turns } from "./harness.ts";

const RATES = [200, 1000] as const;
const BURST = 8;
const SECONDS = 5;
const SETTLE_SECONDS = 1;
const TURNS = 7;
const MOST = 1.3;
/** Of the rate that is asked for; with less the load was another one. */
const LEAST_SENT = 0.9;

type Variant = "proxy" | "engine";
type Measure = "p50Ms" | "p99Ms" | "perSecond";

/**
 * What the engine adds to a request while it has little to do: its latency over that of a bare grpc-js proxy, a process
 * with the same contract that sends each request on to the same worker, and nothing more. Both get bursts of 8 requests at
 * even instants, at 200 and at 1,000 requests/s, in turns; a latency counts from the sending, in a client written in C.
 * Each turn has a p50 and a p99 of its own, of all requests but those of its first second.
 */
export const quiet: Figure = {
  title:
    `latency of the engine / of a bare grpc-js proxy, ${
      RATES.join(" and ")
    } requests/s in bursts of ${BURST}, ` +
    "direct, null worker over fixed RPCs",
  target: `<= ${MOST} in p50 and p99`,
  async measure(setup) {
    const worker = await setup.simWorker("null", { WORKER_SESSION: "0" });
    const proxy = await setup.server("proxy", addressOf(worker));
    const servers = {
      proxy: { address: proxy.address, load: setup.client(proxy.address) },
      engine: await setup.engine("direct", worker),
    };
    const sent = { proxy: 0, engine: 0 };
    const turn = (name: Variant, perSecond: number) => async () => {
      const { address } = servers[name];
      const asked = { address, maxTokens: 1, perSecond, burst: BURST, seconds: SECONDS };
      const result = await loadBursts({ ...asked, settleSeconds: SETTLE_SECONDS });
      sent[name] += result.requests;
      const [p50Ms, p99Ms] = [50, 99].map((percent) => percentile(result.latenciesMs, percent));
      return { p50Ms: p50Ms!, p99Ms: p99Ms!, perSecond: result.perSecond };
    };
    const atRates = [];
    for (const rate of RATES) {
      atRates.push({
        rate,
        turns: await inTurns(TURNS, { proxy: turn("proxy", rate), engine: turn("engine", rate) }),
      });
    }
    for (const name of ["proxy", "engine"] as const) await checkCounters(servers[name].load, sent[name]);
    return {
      reached: atRates.map(({ rate, turns }) => textOf(rate, turns)).join("; "),
      met: atRates.every(({ rate, turns }) => isMet(rate, turns)),
      samples: Object.assign({}, ...atRates.map(({ rate, turns }) => turns.samples(`${rate}/s `))),
    };
  },
};

function textOf(rate: number, turns: Turns<Variant, Measure>): string {
  const [p50, p99] = (["p50Ms", "p99Ms"] as const).map((of) =>
    turns.quotient("engine", "proxy", of, " ms", 2)
  );
  return `${rate}/s (${turns.median("engine", "perSecond").toFixed(0)} came): p50 ${p50}, p99 ${p99}`;
}

function isMet(rate: number, turns: Turns<Variant, Measure>): boolean {
  const ratios = (["p50Ms", "p99Ms"] as const).map((measure) =>
    median(turns.ratios("engine", "proxy", measure))
  );
  const sent = Math.min(...turns.of("engine", "perSecond"), ...turns.of("proxy", "perSecond"));
  return ratios.every((ratio) => ratio <= MOST) && sent >= LEAST_SENT * rate;
}
