import { credentials } from "@grpc/grpc-js";
import { join } from "node:path";
import { addressOf } from "../../src/config/config.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import type { GenerateChunk__Output } from "../../src/grpc/generated/omnispan/GenerateChunk.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { countTokens, receive, type Received } from "../load/stream.ts";
import { checkCounters } from "./counters.ts";
import { type Figure, median, spread } from "./figure.ts";
import { H2_CONNECTIONS, loadH2, PROMPT } from "./load_h2.ts";
import { type MeasuredEngine, startEngine, startWorker } from "./setup.ts";

const ROUNDS = 5;
const SEQUENCES = 32;
const MAX_TOKENS = 512;
const STREAMS = 256;
const CHECKED_STREAMS = 2;
const CHECK_TIMEOUT_MS = 60_000;

const WAYS = ["session", "calls"] as const;

interface Side extends AsyncDisposable {
  readonly engine: MeasuredEngine;
  /** The text that each stream must bring, as the worker gives it in one piece. */
  readonly text: string;
}

/**
 * Tokens a second that 32 streams of h2load get through the engine from a worker that takes no time: over the
 * worker's session, and in turn with one GenerateStream for each request (WORKER_SESSION=0). As fast as they can, the
 * engine joins tokens that wait for the chunk before them, so the chunks that a token took are given too; `pacedTokens`
 * shows what is left of that when the worker sets the pace. They are counted in a round of its own, which no rate is
 * taken of, by two grpc-js clients beside the load that also check that their tokens and texts are whole.
 */
export async function streamedTokens(folder: string): Promise<Figure> {
  await using parts = new AsyncDisposableStack();
  const sides = {
    session: parts.use(await startSide({ SIM_PROFILE: "null" }, folder)),
    calls: parts.use(await startSide({ SIM_PROFILE: "null", WORKER_SESSION: "0" }, folder)),
  };
  const rates = { session: [] as number[], calls: [] as number[] };
  const bodyBytesPerToken = { session: [] as number[], calls: [] as number[] };
  const chunksPerToken = { session: [] as number[], calls: [] as number[] };
  for (const way of WAYS) {
    await loadStreams(sides[way]);
    chunksPerToken[way] = (await checkedLoad(sides[way])).chunksPerToken;
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of WAYS) {
      const { tokensPerSecond, bytesPerToken } = await loadStreams(sides[way]);
      rates[way].push(tokensPerSecond);
      bodyBytesPerToken[way].push(bytesPerToken);
    }
  }
  for (const way of WAYS) {
    await checkCounters(sides[way].engine.load, (ROUNDS + 2) * STREAMS + CHECKED_STREAMS);
  }
  const ratio = rates.session.map((rate, round) => rate / rates.calls[round]!);
  return {
    name:
      `tokens/s streamed to ${SEQUENCES} clients, null worker with a session; / with a call for each request`,
    reached:
      `${spread(rates.session, 0)} tok/s at ${median(chunksPerToken.session).toFixed(2)} chunks a token; ` +
      `${spread(ratio)} times the ${median(rates.calls).toFixed(0)} tok/s of calls ` +
      `at ${median(chunksPerToken.calls).toFixed(2)} chunks a token`,
    target: ">= 30000 tok/s and >= 2 times",
    met: median(rates.session) >= 30_000 && median(ratio) >= 2,
    samples: {
      sessionTokensPerSecond: rates.session,
      callsTokensPerSecond: rates.calls,
      ratio,
      sessionBodyBytesPerToken: bodyBytesPerToken.session,
      callsBodyBytesPerToken: bodyBytesPerToken.calls,
      sessionChunksPerToken: chunksPerToken.session,
      callsChunksPerToken: chunksPerToken.calls,
    },
  };
}

/** A step each millisecond for 32 rows, and two more that check. */
const PACE = { source: "A step takes 1 ms whatever its rows.", step_ms: [[1, 1]], max_rows: 64 };
const PACED_ROUNDS = 3;

/** What reaches 32 clients of a worker that gives 32,000 tokens/s by itself, and how many of them came alone. */
export async function pacedTokens(folder: string): Promise<Figure> {
  const profile = join(folder, "paced.json");
  await Deno.writeTextFile(profile, JSON.stringify(PACE));
  await using side = await startSide({ SIM_PROFILE: profile }, folder);
  const samples = { tokensPerSecond: [] as number[], chunksPerToken: [] as number[] };
  for (let round = 0; round < PACED_ROUNDS; round++) {
    const { tokensPerSecond, chunksPerToken } = await checkedLoad(side);
    samples.tokensPerSecond.push(tokensPerSecond);
    samples.chunksPerToken.push(...chunksPerToken);
  }
  await checkCounters(side.engine.load, PACED_ROUNDS * (STREAMS + CHECKED_STREAMS));
  return {
    name: `tokens/s streamed to ${SEQUENCES} clients, worker with a session and steps of 1 ms (32000 tok/s)`,
    reached: `${spread(samples.tokensPerSecond, 0)} tok/s at ${
      spread(samples.chunksPerToken)
    } chunks a token`,
    target: ">= 30000 tok/s",
    met: median(samples.tokensPerSecond) >= 30_000,
    samples,
  };
}

async function startSide(settings: Readonly<Record<string, string>>, folder: string): Promise<Side> {
  await using parts = new AsyncDisposableStack();
  const worker = parts.use(await startWorker("sim", settings, folder));
  const engine = parts.use(await startEngine("continuous", worker.endpoint, {}, folder));
  const stub = new omnispan.Worker(addressOf(worker.endpoint), credentials.createInsecure());
  parts.defer(() => stub.close());
  const text = await new Promise<string>((resolve, reject) =>
    stub.generate(
      { requestId: "text", prompt: PROMPT, maxTokens: MAX_TOKENS },
      { deadline: Date.now() + 10_000 },
      (error, reply) => reply ? resolve(reply.responseText) : reject(error),
    )
  );
  const running = parts.move();
  return { engine, text, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

interface Loaded {
  readonly tokensPerSecond: number;
  readonly bytesPerToken: number;
}

async function loadStreams({ engine }: Side): Promise<Loaded> {
  const { requestsPerSecond, bodyBytes } = await loadH2({
    address: engine.process.address,
    rpc: "SubmitGenerateStream",
    requests: STREAMS,
    maxTokens: MAX_TOKENS,
    streams: SEQUENCES / H2_CONNECTIONS,
  });
  return {
    tokensPerSecond: requestsPerSecond * MAX_TOKENS,
    bytesPerToken: bodyBytes / (STREAMS * MAX_TOKENS),
  };
}

/** The load, with grpc-js clients beside it that check what they get. */
async function checkedLoad(side: Side): Promise<Loaded & { readonly chunksPerToken: number[] }> {
  const stub = new omnispan.Engine(side.engine.process.address, credentials.createInsecure());
  const loading = loadStreams(side);
  const request = { requestId: "check", prompt: PROMPT, maxTokens: MAX_TOKENS };
  const streams = await Promise.all(Array.from(
    { length: CHECKED_STREAMS },
    () => receive(stub.submitGenerateStream(request, { deadline: Date.now() + CHECK_TIMEOUT_MS })),
  ));
  stub.close();
  const loaded = await loading;
  return { ...loaded, chunksPerToken: streams.map((stream) => checkWhole(stream, side.text)) };
}

/** Gives the chunks that a token took. */
function checkWhole(
  { arrivals, text, last, error }: Received<GenerateChunk__Output>,
  expected: string,
): number {
  const tokens = countTokens(arrivals);
  if (last?.status === "ok" && last.outputTokens === tokens && tokens === MAX_TOKENS && text === expected) {
    return arrivals.length / tokens;
  }
  const how = error?.details || last?.errorMessage || `${tokens} tokens came: ${JSON.stringify(text)}`;
  throw new SetupError([`a stream must bring ${MAX_TOKENS} tokens and the worker's own text, but: ${how}`]);
}
