/** Figures of time: what the engine adds to an answer, and how late windows leave and the lab's own load is sent. */
import { credentials } from "@grpc/grpc-js";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { loadGrpc, PROMPT } from "./h2load.ts";
import { type Figure, inTurns, NEVER, ok, percentile } from "./harness.ts";
import { sendOpenLoop } from "./lab_load.ts";

const QUESTION = { index: 0, prompt: PROMPT, maxTokens: 1 };

/** One request at a time, in turn straight to a worker that takes no time and through the engine in direct mode. */
export const latency: Figure = {
  title: "latency that the engine adds at concurrency 1, direct",
  async measure(setup) {
    const worker = await setup.simWorker("null");
    const engine = await setup.engine("direct", worker);
    const stub = new omnispan.Worker(addressOf(worker), credentials.createInsecure());
    const straight = () =>
      new Promise<void>((resolve, reject) =>
        stub.generate({ ...QUESTION, requestId: "r" }, (error) => error ? reject(error) : resolve())
      );
    const timed = (send: () => Promise<unknown>) => async () => {
      const start = now();
      await send();
      return { ms: now() - start };
    };
    const turns = await inTurns(3000, {
      worker: timed(straight),
      engine: timed(async () => ok(await engine.load.send(QUESTION, NEVER))),
    }, { warmUps: 500 });
    stub.close();
    const straightMs = turns.of("worker", "ms");
    const addedMs = turns.of("engine", "ms").map((ms, turn) => ms - straightMs[turn]!);
    return [
      { what: "added", values: addedMs, unit: "ms", atMost: 1 },
      { what: "added, p99", values: addedMs, percent: 99, unit: "ms" },
      { what: "straight to the worker", values: straightMs, unit: "ms" },
      { what: "through the engine", values: turns.of("engine", "ms"), unit: "ms" },
    ];
  },
};

const WINDOW_RATE = 3000;

/** How late windows leave while the main thread takes 3,000 requests/s: what the scheduler thread is for. */
export const lateness: Figure = {
  title: `window lateness (dispatch after its due time) at ${WINDOW_RATE} requests/s`,
  async measure(setup) {
    const seconds = 15;
    const settings = { BATCH_WINDOW_MS: 20, MAX_BATCH_SIZE: 1024, BATCHES_IN_FLIGHT: 4 };
    const { address, load } = await setup.engine("micro_batch", await setup.simWorker("null"), { settings });
    await loadGrpc({ address, requests: 20_000, maxTokens: 1 });
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
    const requests = seconds * WINDOW_RATE;
    const { perSecond } = await loadGrpc({ address, requests, maxTokens: 1, perSecond: WINDOW_RATE });
    loading = false;
    await Promise.all(sampling);
    const lateMs = [...lateByDispatch.values()];
    return [
      { what: "late, p99", values: lateMs, percent: 99, unit: "ms", atMost: 2 },
      { what: `late, p50 of ${lateMs.length} windows`, values: lateMs, unit: "ms" },
      { what: "a process that only waits for windows, p99", values: await control, percent: 99, unit: "ms" },
      { what: "came", values: [perSecond], unit: "/s", digits: 0, atLeast: 0.95 * WINDOW_RATE },
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

/**
 * The load generator itself: how late an open loop (a Poisson process) sends, and what a request costs it. Engine and
 * worker run on the same machine, as they do for everybody with one machine: lateness is mostly the wait for a processor, and the
 * generator's own garbage collection. The processor's time is that of all threads of the process, with the keeping of the
 * samples but not their writing.
 */
export function generator(rate: number, tokens: number, stream: boolean): Figure {
  const seconds = 5;
  const streaming = stream ? `, streams of ${tokens} tokens` : "";
  return {
    title: `lateness of an open loop's sends at ${rate} requests/s${streaming}`,
    async measure(setup) {
      const { load } = await setup.engine("direct", await setup.simWorker("null"));
      const sendAll = async (turn: number) => {
        const cpu = process.cpuUsage();
        const arrivals = { kind: "poisson", rate } as const;
        const samples = await sendOpenLoop(load, { arrivals, seconds, tokens, stream, seed: turn + 2 });
        const { user, system } = process.cpuUsage(cpu);
        samples.forEach(ok);
        const lateMs = samples.map(({ intendedAt, sentAt }) => sentAt - intendedAt);
        return {
          lateP50Ms: percentile(lateMs, 50),
          lateP99Ms: percentile(lateMs, 99),
          lateMaxMs: percentile(lateMs, 100),
          cpuUs: (user + system) / samples.length,
        };
      };
      const turns = await inTurns(5, { generator: sendAll });
      const late = (name: string, measure: "lateP99Ms" | "lateP50Ms" | "lateMaxMs") => ({
        what: `late, ${name}`,
        values: turns.of("generator", measure),
        unit: "ms",
      });
      return [
        { ...late("p99", "lateP99Ms"), atMost: 2 },
        ...[late("p50", "lateP50Ms"), late("most", "lateMaxMs")],
        {
          what: "the generator's CPU a request",
          values: turns.of("generator", "cpuUs"),
          unit: "us",
          digits: 0,
        },
      ];
    },
  };
}
