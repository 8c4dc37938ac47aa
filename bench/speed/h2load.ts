/**
 * Load by h2load (of nghttp2), whose C client takes little of the processor that it shares with what it measures. It sees
 * HTTP alone: the statuses of the replies are checked by the engine's own counters (`checkCounters`).
 */
import type { Millis } from "../../src/core/types.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";

export const CONNECTIONS = 4;
export const PROMPT = "Tell me one fact about the moon, please.";
const STREAMS = 32;
/** Streams are given an id, so that every chunk is as long as its like. */
const STREAM_ID = "speed";
const TIMEOUT_MS = 120_000;
const MOST_UNDER_WAY = 1000;

interface GrpcRequest {
  readonly address: string;
  readonly maxTokens: number;
  /** @default SubmitGenerate */
  readonly rpc?: "SubmitGenerate" | "SubmitGenerateStream";
}

export interface GrpcLoad extends GrpcRequest {
  readonly requests: number;
  /** Requests under way on each of the 4 connections. @default 32, so 128 closed-loop clients */
  readonly streams?: number;
  /** Open loop at this many a second; without it closed loop. */
  readonly perSecond?: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** The bodies of the replies, without what HTTP/2 puts around them. */
  readonly bodyBytes: number;
}

/** @throws {SetupError} when h2load is missing or a request failed */
export async function loadGrpc(load: GrpcLoad): Promise<LoadResult> {
  const { requests, streams = STREAMS, perSecond } = load;
  const rate = perSecond === undefined ? [] : [`--rps=${perSecond / CONNECTIONS}`];
  return await withFile(bodyOf(load), (body) =>
    run([
      ...["-c", `${CONNECTIONS}`, "-m", `${streams}`, "-n", `${requests}`, ...rate],
      ...[...grpcArguments(body), urlOf(load)],
    ], requests));
}

export interface BurstLoad extends GrpcRequest {
  readonly perSecond: number;
  /** Requests that come at one instant, the same number on each connection. */
  readonly burst: number;
  readonly seconds: number;
  /** The requests of this first time open connections, and are in no figure. */
  readonly settleSeconds: number;
}

/** What each request took, from its sending to the end of its answer. */
export interface BurstResult {
  readonly latenciesMs: readonly Millis[];
  readonly requests: number;
  /** Requests that really came in a second. */
  readonly perSecond: number;
}

/**
 * Sends bursts at even instants, whatever becomes of those before.
 * @throws {SetupError} when h2load is missing or a request failed
 */
export async function loadBursts(load: BurstLoad): Promise<BurstResult> {
  const { perSecond, burst, seconds, settleSeconds } = load;
  const bursts = Math.round((settleSeconds + seconds) * perSecond / burst);
  const [gapMs, each] = [1000 * burst / perSecond, burst / CONNECTIONS];
  const lines = Array.from(
    { length: bursts * each },
    (_, line) => `${(Math.floor(line / each) * gapMs).toFixed(3)}\t${urlOf(load)}\n`,
  );
  const log = await withFile(
    bodyOf(load),
    (body) =>
      withFile(
        new TextEncoder().encode(lines.join("")),
        (script) =>
          withFile(new Uint8Array(), async (log) => {
            await Deno.remove(log); // h2load makes its own
            const paced = [`--timing-script-file=${script}`, `--log-file=${log}`];
            const clients = ["-c", `${CONNECTIONS}`, "-m", `${MOST_UNDER_WAY}`];
            await run([...clients, ...paced, ...grpcArguments(body)], bursts * burst);
            return await Deno.readTextFile(log);
          }),
      ),
  );
  const sent = log.trim().split("\n").map((line) => line.split("\t").map(Number)).sort((a, b) =>
    a[0]! - b[0]!
  );
  const settledAt = sent[0]![0]! + 1e6 * settleSeconds;
  const kept = sent.filter(([startedUs]) => startedUs! >= settledAt);
  const sendingSeconds = (sent.at(-1)![0]! - settledAt) / 1e6;
  return {
    latenciesMs: kept.map(([, , tookUs]) => tookUs! / 1000),
    requests: sent.length,
    perSecond: kept.length / (sendingSeconds + gapMs / 1000),
  };
}

export interface HttpLoad {
  /** host:port of the engine's HTTP port. */
  readonly address: string;
  readonly path: string;
  readonly body: unknown;
  readonly requests: number;
  /** Connections with one request each under way. */
  readonly clients: number;
}

/**
 * JSON over HTTP/1.1, closed loop.
 * @throws {SetupError} when h2load is missing or a request failed
 */
export async function loadHttp({ address, path, body, requests, clients }: HttpLoad): Promise<LoadResult> {
  const header = ["-H", "content-type: application/json"];
  return await withFile(new TextEncoder().encode(JSON.stringify(body)), (file) =>
    run(
      ["--h1", "-c", `${clients}`, "-n", `${requests}`, "-d", file, ...header, `http://${address}${path}`],
      requests,
    ));
}

async function withFile<T>(content: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, content);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

function urlOf({ address, rpc = "SubmitGenerate" }: GrpcRequest): string {
  return `http://${address}/omnispan.Engine/${rpc}`;
}

function grpcArguments(body: string): string[] {
  return ["-d", body, "-H", "content-type: application/grpc", "-H", "te: trailers"];
}

/** A gRPC message as it stands in an HTTP/2 body: not compressed, its length, its bytes. */
function bodyOf({ rpc = "SubmitGenerate", maxTokens }: GrpcRequest): Uint8Array {
  const requestId = rpc === "SubmitGenerateStream" ? STREAM_ID : "";
  const message = omnispan.Engine.service[rpc].requestSerialize({ requestId, prompt: PROMPT, maxTokens });
  const body = new Uint8Array(5 + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, 5);
  return body;
}

async function run(args: string[], requests: number): Promise<LoadResult> {
  const { stdout, code } = await output(args);
  const text = new TextDecoder().decode(stdout);
  const [, rateText] = /finished in [^,]+, ([\d.]+) req\/s/.exec(text) ?? [];
  const [, bytesText] = /\((\d+)\) data$/m.exec(text) ?? [];
  const done = new RegExp(`\\b${requests} succeeded, 0 failed`).test(text);
  if (code !== 0 || !rateText || !bytesText || !done) {
    throw new SetupError([`h2load ${args.join(" ")} failed:`, text.trim()]);
  }
  return { perSecond: Number(rateText), bodyBytes: Number(bytesText) };
}

/** Deno.Command throws at once, and not by its promise, where there is no such program. */
async function output(args: string[]): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command("h2load", { args, signal: AbortSignal.timeout(TIMEOUT_MS) }).output();
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new SetupError(["h2load must be on the PATH (Debian: nghttp2-client, Homebrew: nghttp2)"]);
  }
}
