/** Figures of tokens that are streamed: how many a second, in how many chunks, and how evenly. */
import type { ClientReadableStream } from "@grpc/grpc-js";
import { now } from "../../src/clock.ts";
import { addressOf } from "../../src/config/config.ts";
import type { Millis } from "../../src/core/types.ts";
import { omnispan } from "../../src/grpc/contract.ts";

import type { WorkerClient } from "../../src/grpc/generated/omnispan/Worker.ts";
import type { WorkerEvent__Output } from "../../src/grpc/generated/omnispan/WorkerEvent.ts";
import type { WorkerGenerateReply__Output } from "../../src/grpc/generated/omnispan/WorkerGenerateReply.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { type Chunk, countTokens, receive, tokenTimes } from "../load/stream.ts";
import { grpcRequest, sendAll } from "./h2load.ts";
import {
  compared,
  counted,
  type Figure,
  inTurns,
  part,
  percentile,
  PROMPT,
  replyOf,
  type Setup,
  type SimProfile,
} from "./harness.ts";

const SEQUENCES = 32;
const TIMEOUT_MS = 60_000;

const STREAMS = 256;
const MAX_TOKENS = 512;
const CHECKED_STREAMS = 2;

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
    const loads = {
      session: await streamingLoad(setup, await setup.simWorker("null"), "session"),
      calls: await streamingLoad(setup, await setup.simWorker("null", { WORKER_SESSION: "0" }), "calls"),
    };
    const checked = {
      session: await loads.session(CHECKED_STREAMS),
      calls: await loads.calls(CHECKED_STREAMS),
    };
    const turns = await inTurns(5, { session: () => loads.session(0), calls: () => loads.calls(0) });
    return [
      part("tokens/s", turns.session, "tokensPerSecond", { atLeast: 30_000 }),
      ...compared("tokens/s", turns, ["session", "calls"], "tokensPerSecond", { atLeast: 2 }),
      ...(["session", "calls"] as const).flatMap((name) => [
        { what: `chunks a token, ${name}`, values: checked[name].chunksPerToken },
        part(`bytes a token, ${name}`, turns[name], "bodyBytesPerToken"),
      ]),
    ];
  },
};

/** What reaches 32 clients of a worker that gives 32,000 tokens/s by itself, and how many of them came alone. */
export const paced: Figure = {
  title: `tokens/s streamed to ${SEQUENCES} clients, worker with a session and steps of 1 ms (32000 tok/s)`,
  async measure(setup) {
    const worker = await setup.simWorker(stepsOf(1));
    const load = await streamingLoad(setup, worker, "paced");
    const { paced } = await inTurns(3, { paced: () => load(CHECKED_STREAMS) }, { warmUps: 0 });
    return [
      part("tokens/s", paced, "tokensPerSecond", { atLeast: 30_000 }),
      { what: "chunks a token", values: paced.flatMap(({ chunksPerToken }) => chunksPerToken) },
    ];
  },
};

/** A step takes this long whatever its rows, with room for some beside the 32. */
function stepsOf(stepMs: Millis): SimProfile {
  return { source: `${stepMs} ms a step.`, step_ms: [[1, stepMs]], max_rows: 64 };
}

/**
 * An engine with this worker, to be loaded by 32 streams again and again: each time with so many grpc-js clients beside
 * them that check what they get.
 */
async function streamingLoad(setup: Setup, worker: string, name: string) {
  const engine = await setup.engine("continuous", worker, { name });
  const request = { requestId: "check", prompt: PROMPT, maxTokens: MAX_TOKENS };
  const straight = setup.stub(omnispan.Worker, addressOf(worker));
  // The text that each stream must bring, as the worker gives it in one piece.
  const { responseText } = await replyOf<WorkerGenerateReply__Output>((done) =>
    straight.generate(request, { deadline: deadline() }, done)
  );
  const through = setup.stub(omnispan.Engine, engine.address);
  return (checked: number) =>
    counted(engine, STREAMS + checked, async () => {
      const loading = sendAll(
        grpcRequest(engine.address, MAX_TOKENS, "SubmitGenerateStream"),
        { requests: STREAMS, clients: SEQUENCES },
      );
      const chunksPerToken = await Promise.all(Array.from(
        { length: checked },
        () => chunksOf(through.submitGenerateStream(request, { deadline: deadline() }), responseText),
      ));
      const { perSecond, bodyBytes } = await loading;
      const bodyBytesPerToken = bodyBytes / (STREAMS * MAX_TOKENS);
      return { tokensPerSecond: perSecond * MAX_TOKENS, bodyBytesPerToken, chunksPerToken };
    });
}

/** The chunks that a token of the stream took. @throws {SetupError} when the stream is not whole */
async function chunksOf(
  call: ClientReadableStream<Chunk & { readonly status: string; readonly outputTokens: number }>,
  expected: string,
): Promise<number> {
  const { arrivals, text, last, error } = await receive(call);
  const tokens = countTokens(arrivals);
  if (last?.status === "ok" && last.outputTokens === tokens && tokens === MAX_TOKENS && text === expected) {
    return arrivals.length / tokens;
  }
  const how = error?.details || `${tokens} tokens came, status ${last?.status}: ${JSON.stringify(text)}`;
  throw new SetupError([`a stream must bring ${MAX_TOKENS} tokens and the worker's own text, but: ${how}`]);
}

const GAP_TOKENS = 150;
/** 30 tokens/s a row. */
const STEP_MS = 100 / 3;

/** The instants at which the tokens of one stream came. */
type Tokens = readonly Millis[];

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
    const worker = await setup.simWorker(stepsOf(STEP_MS));
    const { address } = await setup.engine("continuous", worker);
    const straight = setup.stub(omnispan.Worker, addressOf(worker));
    const through = setup.stub(omnispan.Engine, address);
    const readStraight = (sequences: number) =>
      readCalls(sequences, (index) => straight.generateStream(request(index), { deadline: deadline() }));
    const readThrough = () =>
      readCalls(SEQUENCES, (index) => through.submitGenerateStream(request(index), { deadline: deadline() }));
    const turns = await inTurns(5, {
      calls: async () => gapsOf(await readStraight(SEQUENCES), []),
      session: async () => gapsOf(await readSession(straight), []),
      async engine() {
        const [[marks = []], tokens] = await Promise.all([readStraight(1), readThrough()]);
        return gapsOf(tokens, marks);
      },
    });
    const added = turns.engine.map(({ p99Ms }, turn) => ({
      addedMs: p99Ms - Math.min(turns.calls[turn]!.p99Ms, turns.session[turn]!.p99Ms),
    }));
    const p99 = (what: string, name: keyof typeof turns) => ({
      ...{ what: `ITL ${what}, p99`, percent: 99, unit: "ms" },
      values: turns[name].flatMap(({ gapsMs }) => gapsMs),
    });
    const delay = {
      what: "a token's delay behind its step, p50",
      values: turns.engine.flatMap(({ delaysMs }) => delaysMs),
      unit: "ms",
    };
    return [
      part("added to p99", added, "addedMs", { atMost: 2 }),
      p99("through the engine", "engine"),
      p99("straight from the worker in calls", "calls"),
      p99("straight from the worker in a session", "session"),
      ...[delay, { ...delay, what: delay.what.replace("p50", "p99"), percent: 99 }],
    ];
  },
};

function gapsOf(streams: readonly Tokens[], marks: Tokens) {
  const gapsMs = streams.flatMap((times) => times.slice(1).map((at, index) => at - times[index]!));
  const delaysMs = streams.flat().flatMap((at) => afterNearest(marks, at));
  return { gapsMs, p99Ms: percentile(gapsMs, 99), delaysMs };
}

/** The delay behind the nearest mark; empty before the first mark and after the last. */
function afterNearest(marks: Tokens, at: Millis): Millis[] {
  const [first, last] = [marks[0] ?? Infinity, marks.at(-1) ?? -Infinity];
  if (at < first - STEP_MS / 2 || at > last + STEP_MS / 2) return [];
  const delays = marks.map((mark) => at - mark);
  return [delays.reduce((best, delay) => Math.abs(delay) < Math.abs(best) ? delay : best)];
}

function request(index: number) {
  const prompt = `Tell me fact ${index} about the moon.`;
  return { requestId: `gap-${index}`, prompt, maxTokens: GAP_TOKENS };
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
  const sequences = tokensAt.map((_, at) => ({ sequence: at + 1, stream: true, request: request(at) }));
  call.write({ submit: { sequences } });
  await ended;
  call.cancel();
  return tokensAt.map((at) => whole(at, undefined));
}

function whole(tokensAt: Tokens, problem: string | undefined): Tokens {
  if (tokensAt.length === GAP_TOKENS) return tokensAt;
  const came = `but brought ${tokensAt.length}: ${problem}`;
  throw new SetupError([`a stream must bring ${GAP_TOKENS} tokens, ${came}`]);
}
