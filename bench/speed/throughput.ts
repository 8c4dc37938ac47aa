import { credentials } from "@grpc/grpc-js";
import { join } from "node:path";
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { checkCounters } from "./counters.ts";
import { type Figure, median, spread } from "./figure.ts";
import { h2load } from "./load_h2.ts";
import { startEcho, startEngine, startWorker } from "./setup.ts";

const BATCHES = { BATCH_WINDOW_MS: 20, MAX_BATCH_SIZE: 32 } as const;
const ROUNDS = 7;

/** The engine with a worker that takes no time, against a bare echo, in turn: what a request costs in the engine. */
export async function againstEcho(folder: string): Promise<Figure> {
  await using worker = await startWorker("sim", { SIM_PROFILE: "null" }, folder);
  await using engine = await startEngine("micro_batch", worker.endpoint, BATCHES, folder);
  await using echo = await startEcho();
  const samples = { engine: [] as number[], echo: [] as number[], ratio: [] as number[] };
  const requests = 30_000;
  await h2load({ address: echo.address, requests, maxTokens: 1 });
  await h2load({ address: engine.process.address, requests, maxTokens: 1 });
  for (let round = 0; round < ROUNDS; round++) {
    samples.echo.push(await h2load({ address: echo.address, requests, maxTokens: 1 }));
    samples.engine.push(await h2load({ address: engine.process.address, requests, maxTokens: 1 }));
    samples.ratio.push(samples.engine.at(-1)! / samples.echo.at(-1)!);
  }
  await checkCounters(engine.load, (ROUNDS + 1) * requests);
  return {
    name: "requests/s of micro_batch (20 ms x 32, null worker, 128 clients) / bare echo",
    reached: `${spread(samples.ratio)} (engine ${median(samples.engine).toFixed(0)}/s, ` +
      `echo ${median(samples.echo).toFixed(0)}/s)`,
    target: ">= 0.70",
    met: median(samples.ratio) >= 0.7,
    samples,
  };
}

/** What a worker can do that takes 20 ms for a batch of up to 32, one batch at a time. */
const POSSIBLE = 32 / 0.020;
const ONE_BATCH_AT_A_TIME = { source: "20 ms a batch, one at a time.", step_ms: [[1, 20]], max_rows: 32 };

/**
 * How much the engine gets out of such a worker. With BATCHES_IN_FLIGHT 2 the next batch is already there when one
 * ends; with 1 the way there and back is part of every batch, as it is for a bare client, which is given beside it.
 */
export async function fixedBatchTime(folder: string): Promise<Figure> {
  const profile = join(folder, "one_batch.json");
  await Deno.writeTextFile(profile, JSON.stringify(ONE_BATCH_AT_A_TIME));
  await using worker = await startWorker("sim", { SIM_PROFILE: profile }, folder);
  const samples = { bare: [] as number[], inFlight1: [] as number[], inFlight2: [] as number[] };
  for (let round = 0; round < 3; round++) {
    samples.bare.push(await bareBatches(worker.endpoint));
    samples.inFlight1.push(await engineBatches(worker.endpoint, 1, folder));
    samples.inFlight2.push(await engineBatches(worker.endpoint, 2, folder));
  }
  const reached = samples.inFlight2.map((rate) => rate / POSSIBLE);
  return {
    name: "requests/s with a worker of 20 ms a batch (128 clients, size 32) / possible 1,600",
    reached: `${spread(reached)} with BATCHES_IN_FLIGHT=2; ` +
      `${spread(samples.inFlight1.map((rate) => rate / POSSIBLE))} with 1, ` +
      `where a bare client that sends batch after batch gets ${
        spread(samples.bare.map((rate) => rate / POSSIBLE))
      }`,
    target: ">= 0.95",
    met: median(reached) >= 0.95,
    samples,
  };
}

async function engineBatches(endpoint: string, batchesInFlight: number, folder: string): Promise<number> {
  const settings = { ...BATCHES, BATCHES_IN_FLIGHT: batchesInFlight };
  await using engine = await startEngine("micro_batch", endpoint, settings, folder);
  await h2load({ address: engine.process.address, requests: 1600, maxTokens: 1 });
  return await h2load({ address: engine.process.address, requests: 8000, maxTokens: 1 });
}

/** Requests/s of a client that sends GenerateBatch of 32 again and again, with no engine between. */
async function bareBatches(endpoint: string): Promise<number> {
  const stub = new omnispan.Worker(addressOf(endpoint), credentials.createInsecure());
  const requests = Array.from(
    { length: 32 },
    (_, i) => ({ requestId: `r${i}`, prompt: "Hello there.", maxTokens: 1 }),
  );
  const batch = () =>
    new Promise<void>((resolve, reject) =>
      stub.generateBatch({ requests }, (error) => error ? reject(error) : resolve())
    );
  for (let i = 0; i < 20; i++) await batch();
  const start = now();
  const batches = 200;
  for (let i = 0; i < batches; i++) await batch();
  const rate = (batches * 32) / ((now() - start) / 1000);
  stub.close();
  return rate;
}
