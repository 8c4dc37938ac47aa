/** Figures of tokens that are streamed: how many a second, in how many chunks, and how evenly. */
import { credentials } from "@grpc/grpc-js";
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import type { Millis } from "../../src/core/types.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import type { GenerateChunk__Output } from "../../src/grpc/generated/omnispan/GenerateChunk.ts";
import type { WorkerClient } from "../../src/grpc/generated/omnispan/Worker.ts";
import type { WorkerEvent__Output } from "../../src/grpc/generated/omnispan/WorkerEvent.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { countTokens, receive, type Received, tokenTimes } from "../load/stream.ts";
import { CONNECTIONS, loadGrpc, PROMPT } from "./h2load.ts";
import {
  checkCounters,
  type Figure,
  inTurns,
  percentile,
  type Setup,
  type StartedEngine,
} from "./harness.ts";

const SEQUENCES = 32;
const TIMEOUT_MS = 60_000;

const STREAMS = 256;
const MAX_TOKENS = 512;
const CHECKED_STREAMS = 2;

interface Streaming {
  readonly engine: StartedEngine;
  /** The text that each stream must bring, as the worker gives it in one piece. */
  readonly text: string;
}

interface Loaded extends Record<string, number> {
  readonly tokensPerSecond: number;
  readonly bodyBytesPerToken: number;
}

/**
 * Tokens a second that 32 streams of h2load get through the engine from a worker that takes no time: over the
 * worker's session, and in turn with one GenerateStream for each request (WORKER_SESSION=0). As fast as they can, the
 * engine joins tokens that wait for the chunk before them, so the chunks that a token took are given too; `paced`
 * shows what is left of that when the worker sets the pace. They are counted in a turn of its own, which no rate is
 * taken of, by two grpc-js clients beside the load that also check that their tokens and texts are whole.
 */
export const streams: Figure = {
  title:
    `tokens/s streamed to ${SEQUENCES} clients, null worker with a session / with a call for each request`,
  async measure(setup) {
    const rounds = 5;
    const session = await startStreaming(setup, await setup.simWorker("null"), "session");
    const calls = await startStreaming(
      setup,
      await setup.simWorker("null", { WORKER_SESSION: "0" }),
      "calls",
    );
    const chunks = { session: await checkedLoad(session), calls: await checkedLoad(calls) };
    const turns = await inTurns(rounds, {
      session: () => loadStreams(session),
      calls: () => loadStreams(calls),
    });
    for (const { engine } of [session, calls]) {
      await checkCounters(engine.load, (rounds + 2) * STREAMS + CHECKED_STREAMS);
    }
    return [
      { what: "tokens/s", values: turns.of("session", "tokensPerSecond"), digits: 0, atLeast: 30_000 },
      ...turns.compare("session", "calls", "tokensPerSecond", { what: "tokens/s", atLeast: 2 }),
      ...(["session", "calls"] as const).flatMap((name) => [
        { what: `chunks a token, ${name}`, values: chunks[name].chunksPerToken },
        { what: `bytes a token, ${name}`, values: turns.of(name, "bodyBytesPerToken") },
      ]),
    ];
  },
};

/** A step each millisecond for 32 rows, and two more that check. */
const PACE = { source: "A step takes 1 ms whatever its rows.", step_ms: [[1, 1]], max_rows: 64 } as const;

/** What reaches 32 clients of a worker that gives 32,000 tokens/s by itself, and how many of them came alone. */
export const paced: Figure = {
  title: `tokens/s streamed to ${SEQUENCES} clients, worker with a session and steps of 1 ms (32000 tok/s)`,
  async measure(setup) {
    const rounds = 3;
    const streaming = await startStreaming(setup, await setup.simWorker(PACE), "paced");
    const loads = [];
    for (let round = 0; round < rounds; round++) loads.push(await checkedLoad(streaming));
    await checkCounters(streaming.engine.load, rounds * (STREAMS + CHECKED_STREAMS));
    const tokensPerSecond = loads.map((load) => load.tokensPerSecond);
    return [
      { what: "tokens/s", values: tokensPerSecond, digits: 0, atLeast: 30_000 },
      { what: "chunks a token", values: loads.flatMap((load) => load.chunksPerToken) },
    ];
  },
};

async function startStreaming(setup: Setup, worker: string, name: string): Promise<Streaming> {
  const engine = await setup.engine("continuous", worker, { name });
  const stub = new omnispan.Worker(addressOf(worker), credentials.createInsecure());
  const text = await new Promise<string>((resolve, reject) =>
    stub.generate(
      { requestId: "text", prompt: PROMPT, maxTokens: MAX_TOKENS },
      { deadline: deadline() },
      (error, reply) => reply ? resolve(reply.responseText) : reject(error),
    )
  );
  stub.close();
  return { engine, text };
}

async function loadStreams({ engine: { address } }: Streaming): Promise<Loaded> {
  const { perSecond, bodyBytes } = await loadGrpc({
    address,
    rpc: "SubmitGenerateStream",
    requests: STREAMS,
    maxTokens: MAX_TOKENS,
    streams: SEQUENCES / CONNECTIONS,
  });
  return { tokensPerSecond: perSecond * MAX_TOKENS, bodyBytesPerToken: bodyBytes / (STREAMS * MAX_TOKENS) };
}

/** The load, with grpc-js clients beside it that check what they get, and the chunks that a token took. */
async function checkedLoad(streaming: Streaming) {
  const stub = new omnispan.Engine(streaming.engine.address, credentials.createInsecure());
  const loading = loadStreams(streaming);
  const request = { requestId: "check", prompt: PROMPT, maxTokens: MAX_TOKENS };
  const received = await Promise.all(Array.from(
    { length: CHECKED_STREAMS },
    () => receive(stub.submitGenerateStream(request, { deadline: deadline() })),
  ));
  stub.close();
  const { tokensPerSecond } = await loading;
  return { tokensPerSecond, chunksPerToken: received.map((stream) => checkWhole(stream, streaming.text)) };
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

const GAP_TOKENS = 150;
const STEP_MS = 100 / 3;
const STEPS = {
  source: "30 tokens/s a row, whatever the rows.",
  step_ms: [[1, STEP_MS]],
  max_rows: 64,
} as const;

/**
 * What the engine adds to the inter-token latency (ITL) of 32 streams of 30 tokens/s each.
 *
 * ITL: the times between two tokens of one stream as they arrive at a grpc-js client, all streams and tokens of a
 * turn together; tokens of one chunk arrive at once, so a joined chunk gives gaps of 0 after a long one. The same
 * client in the same process reads, in turn, from the engine, from the worker with one GenerateStream for each
 * sequence, and from the worker's Session. Added: the engine's p99 less the lower p99 of the worker's two in that turn.
 *
 * The delay says how much later a token comes through the engine than straight: while the engine's streams run, one
 * more sequence, straight at the worker, marks the instants at which its steps arrive, and each token of the engine's
 * is compared with the nearest of them. It is below 0 where the token overtakes the mark.
 */
export const gaps: Figure = {
  title: `inter-token latency (ITL) that the engine adds, ${SEQUENCES} streams of 30 tokens/s`,
  async measure(setup) {
    const worker = await setup.simWorker(STEPS);
    const { address } = await setup.engine("continuous", worker);
    const straight = new omnispan.Worker(addressOf(worker), credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    const through = new omnispan.Engine(address, credentials.createInsecure());
    const gapsMs = { engine: [] as Millis[], calls: [] as Millis[], session: [] as Millis[] };
    const delayMs: Millis[] = [];
    const gapsOf =
      (variant: keyof typeof gapsMs, read: () => Promise<readonly Tokens[]>) => async (turn: number) => {
        const found = (await read()).flatMap((times) =>
          times.slice(1).map((at, index) => at - times[index]!)
        );
        if (turn >= 0) gapsMs[variant].push(...found);
        return { p99Ms: percentile(found, 99) };
      };
    const readMarked = async () => {
      const marking = readCalls(
        1,
        (index) => straight.generateStream(request(index), { deadline: deadline() }),
      );
      const tokens = await readCalls(
        SEQUENCES,
        (index) => through.submitGenerateStream(request(index), { deadline: deadline() }),
      );
      const [marks = []] = await marking;
      delayMs.push(...tokens.flat().flatMap((at) => afterNearest(marks, at)));
      return tokens;
    };
    const turns = await inTurns(5, {
      calls: gapsOf(
        "calls",
        () =>
          readCalls(SEQUENCES, (index) => straight.generateStream(request(index), { deadline: deadline() })),
      ),
      session: gapsOf("session", () => readSession(straight)),
      engine: gapsOf("engine", readMarked),
    });
    straight.close();
    through.close();
    const [calls, session] = [turns.of("calls", "p99Ms"), turns.of("session", "p99Ms")];
    const addedP99Ms = turns.of("engine", "p99Ms").map((p99, turn) =>
      p99 - Math.min(calls[turn]!, session[turn]!)
    );
    const p99 = (what: string, values: readonly Millis[]) => ({
      what: `${what}, p99`,
      values,
      percent: 99,
      unit: "ms",
    });
    return [
      { what: "added to p99", values: addedP99Ms, unit: "ms", atMost: 2 },
      p99("ITL through the engine", gapsMs.engine),
      p99("ITL straight from the worker in calls", gapsMs.calls),
      p99("ITL straight from the worker in a session", gapsMs.session),
      { what: "a token's delay behind its step, p50", values: delayMs, unit: "ms" },
      p99("a token's delay behind its step", delayMs),
    ];
  },
};

/** The instants at which the tokens of one stream came. */
type Tokens = readonly Millis[];

function request(index: number) {
  return {
    requestId: `gap-${index}`,
    prompt: `Tell me fact ${index} about the moon.`,
    maxTokens: GAP_TOKENS,
  };
}

function deadline(): Millis {
  return Date.now() + TIMEOUT_MS;
}

/** Reads sequences that each have a call of their own. */
function readCalls(
  sequences: number,
  call: (index: number) => Parameters<typeof receive>[0],
): Promise<Tokens[]> {
  return Promise.all(Array.from({ length: sequences }, async (_, index) => {
    const { arrivals, error } = await receive(call(index), 0);
    return whole(tokenTimes(arrivals), error?.details);
  }));
}

/** Reads all sequences over one Session. */
async function readSession(stub: WorkerClient): Promise<Tokens[]> {
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

function whole(tokensAt: Tokens, problem: string | undefined): Tokens {
  if (tokensAt.length === GAP_TOKENS) return tokensAt;
  throw new SetupError([
    `a stream must bring ${GAP_TOKENS} tokens, but brought ${tokensAt.length}: ${problem}`,
  ]);
}

/** The delay behind the nearest mark; empty before the first mark and after the last. */
function afterNearest(marks: Tokens, at: Millis): Millis[] {
  if (at < marks[0]! - STEP_MS / 2 || at > marks.at(-1)! + STEP_MS / 2) return [];
  const delays = marks.map((mark) => at - mark);
  return [delays.reduce((best, delay) => Math.abs(delay) < Math.abs(best) ? delay : best)];
}
