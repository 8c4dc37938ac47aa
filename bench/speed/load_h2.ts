import { SetupError } from "../../src/supervisor/setup_error.ts";
import { omnispan } from "../../src/grpc/contract.ts";

export interface H2Load {
  readonly address: string;
  readonly requests: number;
  readonly maxTokens: number;
  /** Default: SubmitGenerate. */
  readonly rpc?: "SubmitGenerate" | "SubmitGenerateStream";
  /** Requests under way on each of the 4 connections. Default: 32, so 128 closed-loop clients. */
  readonly streams?: number;
  /** Open loop at this many a second; without it closed loop. */
  readonly perSecond?: number;
}

export interface H2LoadResult {
  readonly requestsPerSecond: number;
  /** The bodies of the replies, without what HTTP/2 puts around them. */
  readonly bodyBytes: number;
}

export const H2_CONNECTIONS = 4;
const STREAMS = 32;
export const PROMPT = "Tell me one fact about the moon, please.";
/** Streams are given an id, so that every chunk is as long as its like. */
export const STREAM_ID = "speed";
const TIMEOUT_MS = 120_000;

/** As `loadH2`, for who wants the requests a second alone. */
export async function h2load(load: H2Load): Promise<number> {
  return (await loadH2(load)).requestsPerSecond;
}

/**
 * Loads the engine with h2load (of nghttp2), whose C client takes little of the processor that it shares with what
 * it measures. It sees HTTP alone: the statuses of the replies are checked by the engine's own counters.
 * @throws {SetupError} when h2load is missing or a request failed
 */
export async function loadH2(load: H2Load): Promise<H2LoadResult> {
  const { address, requests, maxTokens, rpc = "SubmitGenerate", streams = STREAMS, perSecond } = load;
  const file = await Deno.makeTempFile();
  try {
    const requestId = rpc === "SubmitGenerateStream" ? STREAM_ID : "";
    const { requestSerialize } = omnispan.Engine.service[rpc];
    await Deno.writeFile(file, frame(requestSerialize({ requestId, prompt: PROMPT, maxTokens })));
    const rate = perSecond === undefined ? [] : [`--rps=${perSecond / H2_CONNECTIONS}`];
    return await run([
      ...["-c", `${H2_CONNECTIONS}`, "-m", `${streams}`, "-n", `${requests}`, ...rate, "-d", file],
      ...["-H", "content-type: application/grpc", "-H", "te: trailers"],
      `http://${address}/omnispan.Engine/${rpc}`,
    ], requests);
  } finally {
    await Deno.remove(file);
  }
}

export interface HttpLoad {
  /** host:port of the HTTP door. */
  readonly address: string;
  readonly path: string;
  readonly body: unknown;
  readonly requests: number;
  /** Connections with one request each under way. */
  readonly clients: number;
}

/**
 * The same for JSON over HTTP/1.1, closed loop.
 * @throws {SetupError} when h2load is missing or a request failed
 */
export async function loadHttp({ address, path, body, requests, clients }: HttpLoad): Promise<H2LoadResult> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, JSON.stringify(body));
    const header = ["-H", "content-type: application/json"];
    const args = ["--h1", "-c", `${clients}`, "-n", `${requests}`, "-d", file, ...header];
    return await run([...args, `http://${address}${path}`], requests);
  } finally {
    await Deno.remove(file);
  }
}

async function run(args: string[], requests: number): Promise<H2LoadResult> {
  const { stdout, code } = await output(args);
  const text = new TextDecoder().decode(stdout);
  const [, rateText] = /finished in [^,]+, ([\d.]+) req\/s/.exec(text) ?? [];
  const [, bytesText] = /\((\d+)\) data$/m.exec(text) ?? [];
  const done = new RegExp(`\\b${requests} succeeded, 0 failed`).test(text);
  if (code !== 0 || !rateText || !bytesText || !done) {
    throw new SetupError([`h2load of ${args.at(-1)} failed:`, text.trim()]);
  }
  return { requestsPerSecond: Number(rateText), bodyBytes: Number(bytesText) };
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

/** A gRPC message as it stands in an HTTP/2 body: not compressed, its length, its bytes. */
function frame(message: Uint8Array): Uint8Array {
  const body = new Uint8Array(5 + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, 5);
  return body;
}
