import { addressOf } from "../../src/config/config.ts";
import { checkCounters, type Figure, inTurns, type Part, percentile } from "./harness.ts";
import { loadBursts } from "./h2load.ts";

const RATES = [200, 1000] as const;
const BURST = 8;
const SECONDS = 5;
const SETTLE_SECONDS = 1;
const TURNS = 7;
const MOST = 1.3;
/** The share of the rate that must come; with less the load was another one. */
const LEAST_SENT = 0.9;

/**
 * What the engine adds to a request while it has little to do: its latency over that of a bare grpc-js proxy, a process
 * with the same contract that sends each request on to the same worker, and nothing more. Both get bursts of 8 requests at
 * even instants, at 200 and at 1,000 requests/s, in turns; a latency counts from the sending, in a client written in C.
 * Each turn has a p50 and a p99 of its own, of all requests but those of its first second.
 */
export const quiet: Figure = {
  title:
    `latency of the engine beside a bare grpc-js proxy (bursts of ${BURST}, direct, null worker over fixed RPCs)`,
  async measure(setup) {
    const worker = await setup.simWorker("null", { WORKER_SESSION: "0" });
    const proxy = await setup.server("proxy", addressOf(worker));
    const servers = {
      proxy: { address: proxy.address, load: setup.client(proxy.address) },
      engine: await setup.engine("direct", worker),
    };
    const sent = { proxy: 0, engine: 0 };
    const turn = (name: keyof typeof servers, perSecond: number) => async () => {
      const asked = {
        address: servers[name].address,
        maxTokens: 1,
        perSecond,
        burst: BURST,
        seconds: SECONDS,
      };
      const result = await loadBursts({ ...asked, settleSeconds: SETTLE_SECONDS });
      sent[name] += result.requests;
      const [p50Ms = NaN, p99Ms = NaN] = [50, 99].map((percent) => percentile(result.latenciesMs, percent));
      return { p50Ms, p99Ms, perSecond: result.perSecond };
    };
    const parts: Part[] = [];
    for (const rate of RATES) {
      const turns = await inTurns(TURNS, { proxy: turn("proxy", rate), engine: turn("engine", rate) });
      for (const [name, measure] of [["p50", "p50Ms"], ["p99", "p99Ms"]] as const) {
        const what = `${name} at ${rate}/s`;
        parts.push(
          ...turns.compare("engine", "proxy", measure, { what, unit: "ms", digits: 2, atMost: MOST }),
        );
      }
      const values = [...turns.of("engine", "perSecond"), ...turns.of("proxy", "perSecond")];
      parts.push({ what: `came at ${rate}/s`, values, unit: "/s", digits: 0, atLeast: LEAST_SENT * rate });
    }
    for (const name of ["proxy", "engine"] as const) await checkCounters(servers[name].load, sent[name]);
    return parts;
  },
};
