/** Figures of time: what the engine adds to an answer, and how late windows leave. */
import { fileURLToPath } from "node:url";
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { grpcRequest, requestsOf, sendAll, sendBursts } from "./h2load.ts";
import {
  compared,
  counted,
  type Figure,
  inTurns,
  NEVER,
  ok,
  type Part,
  part,
  percentile,
  PROMPT,
  replyOf,
  type Target,
} from "./harness.ts";

const QUESTION = { index: 0, prompt: PROMPT, maxTokens: 1 };

/** One request at a time, in turn straight to a worker that takes no time and through the engine in direct mode. */
export const latency: Figure = {
  title: "latency that the engine adds at concurrency 1, direct",
  async measure(setup) {
    const worker = await setup.simWorker("null");
    const engine = await setup.engine("direct", worker);
    const stub = setup.stub(omnispan.Worker, addressOf(worker));
    const timed = (send: () => Promise<unknown>) => async () => {
      const start = now();
      await send();
      return { tookMs: now() - start };
    };
    const turns = await inTurns(3000, {
      worker: timed(() => replyOf((done) => stub.generate({ ...QUESTION, requestId: "r" }, done))),
      engine: timed(async () => ok(await engine.load.send(QUESTION, NEVER))),
    }, { warmUps: 500 });
    const added = turns.engine.map(({ tookMs }, turn) => ({ addedMs: tookMs - turns.worker[turn]!.tookMs }));
    return [
      part("added", added, "addedMs", { atMost: 1 }),
      part("added, p99", added, "addedMs", { percent: 99 }),
      part("straight to the worker", turns.worker, "tookMs"),
      part("through the engine", turns.engine, "tookMs"),
    ];
  },
};

/**
 * What the engine adds to a request while it has little to do: its latency over that of a bare grpc-js proxy, a process
 * with the same contract that sends each request on to the same worker, and nothing more. Both get bursts of 8 requests at
 * even instants, at 200 and at 1,000 requests/s, in turns; a latency counts from the sending, in a client written in C.
 * Each turn has a p50 and a p99 of its own, of all requests but those of its first second.
 */
export const quiet: Figure = {
  title:
    "latency of the engine beside a bare grpc-js proxy (bursts of 8, direct, null worker over fixed RPCs)",
  async measure(setup) {
    const worker = await setup.simWorker("null", { WORKER_SESSION: "0" });
    const proxy = await setup.server("proxy", addressOf(worker));
    const engine = await setup.engine("direct", worker);
    const turnOf = (target: Target, rate: number) => () => {
      const bursts = { perSecond: rate, burst: 8, seconds: 5, settleSeconds: 1 };
      return counted(target, requestsOf(bursts), async () => {
        const { latenciesMs, perSecond } = await sendBursts(grpcRequest(target.address), bursts);
        return { p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99), perSecond };
      });
    };
    const parts: Part[] = [];
    for (const rate of [200, 1000]) {
      const turns = await inTurns(7, { proxy: turnOf(proxy, rate), engine: turnOf(engine, rate) });
      const pair = ["engine", "proxy"] as const;
      parts.push(
        ...compared(`p50 at ${rate}/s`, turns, pair, "p50Ms", { atMost: 1.3 }),
        ...compared(`p99 at ${rate}/s`, turns, pair, "p99Ms", { atMost: 1.3 }),
        // With less than this share of the rate the load was another one.
        part(`came at ${rate}/s`, Object.values(turns).flat(), "perSecond", {
          unit: "/s",
          atLeast: 0.9 * rate,
        }),
      );
    }
    return parts;
  },
};

/** How late windows leave while the main thread takes 3,000 requests/s: what the scheduler thread is for. */
export const lateness: Figure = {
  title: "window lateness (dispatch after its due time) at 3000 requests/s",
  async measure(setup) {
    const [seconds, rate] = [15, 3000];
    const settings = { BATCH_WINDOW_MS: 20, MAX_BATCH_SIZE: 1024, BATCHES_IN_FLIGHT: 4 };
    const { address, load } = await setup.engine("micro_batch", await setup.simWorker("null"), { settings });
    await sendAll(grpcRequest(address), { requests: 20_000 });
    const lateByDispatch = new Map<number, number>();
    let loading = true;
    const sampleWindows = async () => {
      while (loading) {
        const { dispatch } = ok(await load.send(QUESTION, NEVER));
        if (dispatch?.reason === "window") lateByDispatch.set(dispatch.id, dispatch.lateMs);
      }
    };
    const sampling = Array.from({ length: 4 }, sampleWindows);
    const control = controlLateness(seconds);
    const { perSecond } = await sendAll(grpcRequest(address), { requests: seconds * rate, rate });
    loading = false;
    await Promise.all(sampling);
    const lateMs = [...lateByDispatch.values()];
    return [
      { what: "late, p99", values: lateMs, percent: 99, unit: "ms", atMost: 2 },
      { what: `late, p50 of ${lateMs.length} windows`, values: lateMs, unit: "ms" },
      { what: "a process that only waits for windows, p99", values: await control, percent: 99, unit: "ms" },
      { what: "came", values: [perSecond], unit: "/s", digits: 0, atLeast: 0.95 * rate },
    ];
  },
};

/** See timer_control.ts. */
async function controlLateness(seconds: number): Promise<number[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", fileURLToPath(new URL("timer_control.ts", import.meta.url)), String(seconds)],
    signal: AbortSignal.timeout(1000 * (seconds + 30)),
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}
