import { credentials } from "@grpc/grpc-js";
import { fileURLToPath } from "node:url";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { now } from "../../src/clock.ts";
import { type Figure, median, percentile } from "./figure.ts";
import { h2load } from "./load_h2.ts";
import { ok } from "./rounds.ts";
import { startEngine, startWorker } from "./setup.ts";

const NEVER = new AbortController().signal;
const ITEM = { index: 0, prompt: "Tell me one fact about the moon, please.", maxTokens: 1 };

/** One request at a time, in turn straight to a worker that takes no time and through the engine in direct mode. */
export async function addedLatency(folder: string): Promise<Figure> {
  await using worker = await startWorker("sim", { SIM_PROFILE: "null" }, folder);
  await using engine = await startEngine("direct", worker.endpoint, {}, folder);
  const stub = new omnispan.Worker(addressOf(worker.endpoint), credentials.createInsecure());
  const straight = () =>
    new Promise<void>((resolve, reject) =>
      stub.generate({ ...ITEM, requestId: "r" }, (error) => error ? reject(error) : resolve())
    );
  const samples = { workerMs: [] as number[], engineMs: [] as number[], addedMs: [] as number[] };
  const [warmup, pairs] = [500, 3000];
  for (let pair = -warmup; pair < pairs; pair++) {
    const [start, middle] = [now(), (await straight(), now())];
    ok(await engine.load.send(ITEM, NEVER));
    if (pair < 0) continue;
    samples.workerMs.push(middle - start);
    samples.engineMs.push(now() - middle);
    samples.addedMs.push(samples.engineMs.at(-1)! - samples.workerMs.at(-1)!);
  }
  stub.close();
  return {
    name: "latency that the engine adds at concurrency 1, direct, p50",
    reached: `${median(samples.addedMs).toFixed(2)} ms (worker ${median(samples.workerMs).toFixed(2)} ms, ` +
      `through the engine ${median(samples.engineMs).toFixed(2)} ms; added p99 ${
        percentile(samples.addedMs, 99).toFixed(2)
      } ms)`,
    target: "<= 1 ms",
    met: median(samples.addedMs) <= 1,
    samples,
  };
}

/** How late windows leave while the main thread takes 3,000 requests/s: what the scheduler thread is for. */
export async function windowLateness(folder: string): Promise<Figure> {
  const [perSecond, seconds] = [3000, 15];
  await using worker = await startWorker("sim", { SIM_PROFILE: "null" }, folder);
  const settings = { BATCH_WINDOW_MS: 20, MAX_BATCH_SIZE: 1024, BATCHES_IN_FLIGHT: 4 };
  await using engine = await startEngine("micro_batch", worker.endpoint, settings, folder);
  await h2load({ address: engine.process.address, requests: 20_000, maxTokens: 1 });
  const lateByDispatch = new Map<number, number>();
  let loading = true;
  const sampler = async () => {
    while (loading) {
      const { dispatch } = ok(await engine.load.send(ITEM, NEVER));
      if (dispatch?.reason === "window") lateByDispatch.set(dispatch.id, dispatch.lateMs);
    }
  };
  const samplers = Array.from({ length: 4 }, sampler);
  const control = controlLateness(seconds);
  const requests = seconds * perSecond;
  const rate = await h2load({ address: engine.process.address, requests, maxTokens: 1, perSecond });
  loading = false;
  await Promise.all(samplers);
  const lateMs = [...lateByDispatch.values()];
  const controlMs = await control;
  const p99 = percentile(lateMs, 99);
  return {
    name: `window lateness (dispatch after its due time) at ${perSecond} requests/s, p99`,
    reached: `${p99.toFixed(2)} ms (p50 ${median(lateMs).toFixed(2)} ms, ${lateMs.length} windows, ` +
      `${rate.toFixed(0)} requests/s came; a process beside it that only waits for windows: ` +
      `p99 ${percentile(controlMs, 99).toFixed(2)} ms)`,
    target: "<= 2 ms",
    met: p99 <= 2 && rate >= 0.95 * perSecond,
    samples: { lateMs, controlMs },
  };
}

/** See timer_control.ts. */
async function controlLateness(seconds: number): Promise<number[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", fileURLToPath(new URL("timer_control.ts", import.meta.url)), String(seconds)],
    signal: AbortSignal.timeout(1000 * (seconds + 30)),
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}
