import { credentials } from "@grpc/grpc-js";
import { join } from "node:path";
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import type { WorkerClient } from "../../src/grpc/generated/omnispan/Worker.ts";
import type { WorkerEvent__Output } from "../../src/grpc/generated/omnispan/WorkerEvent.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { Millis } from "../../src/core/types.ts";
import { receive, tokenTimes } from "../load/stream.ts";
import { type Figure, median, percentile } from "./figure.ts";
import { startEngine, startWorker } from "./setup.ts";

const SEQUENCES = 32;
const TOKENS = 150;
const ROUNDS = 5;
const STEP_MS = 100 / 3;
const PROFILE = { source: "30 tokens/s a row, whatever the rows.", step_ms: [[1, STEP_MS]], max_rows: 64 };
const TIMEOUT_MS = 60_000;

/**
 * What the engine adds to the inter-token latency (ITL) of 32 streams of 30 tokens/s each.
 *
 * ITL: the times between two tokens of one stream as they arrive at a grpc-js client, all streams and tokens of a
 * round together; tokens of one chunk arrive at once, so a joined chunk gives gaps of 0 after a long one. The same
 * client in the same process reads, in turn, from the engine, from the worker with one GenerateStream for each
 * sequence, and from the worker's Session. Added: the engine's p99 less the lower p99 of the worker's two in that round.
 *
 * The delay says how much later a token comes through the engine than straight: while the engine's streams run, one
 * more sequence, straight at the worker, marks the instants at which its steps arrive, and each token of the engine's
 * is compared with the nearest of them. It is below 0 where the token overtakes the mark.
 */
export async function addedTokenGaps(folder: string): Promise<Figure> {
  const profile = join(folder, "fixed33.json");
  await Deno.writeTextFile(profile, JSON.stringify(PROFILE));
  await using worker = await startWorker("sim", { SIM_PROFILE: profile }, folder);
  await using engine = await startEngine("continuous", worker.endpoint, {}, folder);
  using straight = closing(
    new omnispan.Worker(addressOf(worker.endpoint), credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    }),
  );
  using through = closing(new omnispan.Engine(engine.process.address, credentials.createInsecure()));
  const readEngine = () =>
    Promise.all(Array.from({ length: SEQUENCES }, (_, index) => {
      const call = through.stub.submitGenerateStream({ ...request(index) }, { deadline: deadline() });
      return receive(call, 0).then(({ arrivals, error }) => whole(tokenTimes(arrivals), error?.details));
    }));
  const samples = {
    engineGapsMs: [] as Millis[],
    callsGapsMs: [] as Millis[],
    sessionGapsMs: [] as Millis[],
    delayMs: [] as Millis[],
    addedP99Ms: [] as Millis[],
  };
  for (let round = -1; round < ROUNDS; round++) {
    const calls = (await readCalls(straight.stub, SEQUENCES)).flatMap(gaps);
    const session = (await readSession(straight.stub)).flatMap(gaps);
    const marking = readCalls(straight.stub, 1);
    const tokens = await readEngine();
    const [mark] = await marking;
    if (round < 0) continue;
    const engineGaps = tokens.flatMap(gaps);
    samples.callsGapsMs.push(...calls);
    samples.sessionGapsMs.push(...session);
    samples.engineGapsMs.push(...engineGaps);
    samples.delayMs.push(...tokens.flat().flatMap((at) => afterNearest(mark!, at)));
    samples.addedP99Ms.push(
      percentile(engineGaps, 99) - Math.min(percentile(calls, 99), percentile(session, 99)),
    );
  }
  const added = median(samples.addedP99Ms);
  const [engineP99, callsP99, sessionP99, delayP50, delayP99] = [
    percentile(samples.engineGapsMs, 99),
    percentile(samples.callsGapsMs, 99),
    percentile(samples.sessionGapsMs, 99),
    percentile(samples.delayMs, 50),
    percentile(samples.delayMs, 99),
  ].map((ms) => ms.toFixed(2));
  return {
    name: `ITL p99 that the engine adds, ${SEQUENCES} streams of 30 tokens/s`,
    reached: `${added.toFixed(2)} ms (p99 through the engine ${engineP99} ms, straight from the worker ` +
      `${callsP99} ms in calls and ${sessionP99} ms in a session; a token's delay behind its step p50 ` +
      `${delayP50} ms, p99 ${delayP99} ms)`,
    target: "<= 2 ms",
    met: added <= 2,
    samples,
  };
}

function request(index: number) {
  return { requestId: `gap-${index}`, prompt: `Tell me fact ${index} about the moon.`, maxTokens: TOKENS };
}

function deadline(): Millis {
  return Date.now() + TIMEOUT_MS;
}

function closing<T extends { close(): void }>(stub: T): { readonly stub: T } & Disposable {
  return { stub, [Symbol.dispose]: () => stub.close() };
}

/** When each token of each sequence came, over a GenerateStream of its own. */
function readCalls(stub: WorkerClient, sequences: number): Promise<(readonly Millis[])[]> {
  return Promise.all(Array.from({ length: sequences }, async (_, index) => {
    const { arrivals, error } = await receive(
      stub.generateStream({ ...request(index) }, { deadline: deadline() }),
      0,
    );
    return whole(tokenTimes(arrivals), error?.details);
  }));
}

/** When each token of each sequence came, over one Session. */
async function readSession(stub: WorkerClient): Promise<(readonly Millis[])[]> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const tokensAt = Array.from({ length: SEQUENCES }, () => [] as Millis[]);
  let results = 0;
  const call = stub.session({ deadline: deadline() });
  call.on("data", ({ step }: WorkerEvent__Output) => {
    const at = now();
    for (const { sequence, tokens } of step?.deltas ?? []) {
      for (let token = 0; token < tokens; token++) tokensAt[sequence - 1]!.push(at);
    }
    results += step?.results.length ?? 0;
    if (results === SEQUENCES) resolve();
  });
  call.on("error", reject); // also of the cancel below, when nobody waits any more
  const sequences = tokensAt.map((_, index) => ({
    sequence: index + 1,
    stream: true,
    request: request(index),
  }));
  call.write({ submit: { sequences } });
  await ended;
  call.cancel();
  return tokensAt.map((at) => whole(at, undefined));
}

function whole(tokensAt: readonly Millis[], problem: string | undefined): readonly Millis[] {
  if (tokensAt.length === TOKENS) return tokensAt;
  throw new SetupError([`a stream must bring ${TOKENS} tokens, but brought ${tokensAt.length}: ${problem}`]);
}

/** The times between a stream's tokens. */
function gaps(tokensAt: readonly Millis[]): Millis[] {
  return tokensAt.slice(1).map((at, index) => at - tokensAt[index]!);
}

/** How long after the nearest mark it was; nothing where the marks had not begun or had ended. */
function afterNearest(marks: readonly Millis[], at: Millis): Millis[] {
  if (at < marks[0]! - STEP_MS / 2 || at > marks.at(-1)! + STEP_MS / 2) return [];
  const delays = marks.map((mark) => at - mark);
  return [delays.reduce((best, delay) => Math.abs(delay) < Math.abs(best) ? delay : best)];
}
