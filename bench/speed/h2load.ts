/**
 * Load by h2load (of nghttp2), whose C client takes little of the processor that it shares with what it measures. It sees
 * HTTP alone: the statuses of gRPC replies are checked by the engine's own counters (`counted`).
 */
import { join } from "node:path";
import type { Millis } from "../../src/core/types.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { PROMPT } from "./harness.ts";

const CONNECTIONS = 4;
const TIMEOUT_MS = 120_000;
const MOST_UNDER_WAY = 1000;

/** The one request that is sent again and again. */
export interface H2Request {
  readonly url: string;
  readonly body: Uint8Array;
  readonly args: readonly string[];
  readonly connections: number;
}

export type Rpc = "SubmitGenerate" | "SubmitGenerateStream";

export function grpcRequest(address: string, maxTokens = 1, rpc: Rpc = "SubmitGenerate"): H2Request {
  // Streams are given an id, so that every chunk is as long as its like.
  const requestId = rpc === "SubmitGenerateStream" ? "speed" : "";
  const message = omnispan.Engine.service[rpc].requestSerialize({ requestId, prompt: PROMPT, maxTokens });
  // A gRPC message as it stands in an HTTP/2 body: not compressed, its length, its bytes.
  const body = new Uint8Array(5 + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, 5);
  const args = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
  return { url: `http://${address}/omnispan.Engine/${rpc}`, body, args, connections: CONNECTIONS };
}

/** JSON over HTTP/1.1, one request under way on each connection. */
export function jsonRequest(url: string, body: unknown, connections: number): H2Request {
  const args = ["--h1", "-H", "content-type: application/json"];
  return { url, body: new TextEncoder().encode(JSON.stringify(body)), args, connections };
}

export interface Amount {
  readonly requests: number;
  /** Clients in all, over gRPC the same number on each of 4 connections. @default 128 */
  readonly clients?: number;
  /** Open loop at this many a second; without it closed loop. */
  readonly rate?: number;
}

export interface Loaded {
  readonly perSecond: number;
  /** The bodies of the replies, without what HTTP/2 puts around them. */
  readonly bodyBytes: number;
}

/** @throws {SetupError} when h2load is missing or a request failed */
export async function sendAll(
  request: H2Request,
  { requests, clients = 128, rate }: Amount,
): Promise<Loaded> {
  const { connections, url } = request;
  const paced = rate === undefined ? [] : [`--rps=${rate / connections}`];
  const args = ["-m", `${clients / connections}`, "-n", `${requests}`, ...paced, url];
  const { report } = await run(request, requests, args);
  const [, perSecond] = /finished in [^,]+, ([\d.]+) req\/s/.exec(report) ?? [];
  const [, bodyBytes] = /\((\d+)\) data$/m.exec(report) ?? [];
  return { perSecond: Number(perSecond), bodyBytes: Number(bodyBytes) };
}

export interface Bursts {
  readonly perSecond: number;
  /** Requests that come at one instant, the same number on each connection. */
  readonly burst: number;
  readonly seconds: number;
  /** The requests of this first time open connections, and are in no figure. */
  readonly settleSeconds: number;
}

/** How many requests `sendBursts` sends. */
export function requestsOf({ perSecond, burst, seconds, settleSeconds }: Bursts): number {
  return Math.round((settleSeconds + seconds) * perSecond / burst) * burst;
}

/**
 * Sends bursts at even instants, whatever becomes of those before. Gives what each request took, from its sending to the
 * end of its answer, and how many requests really came in a second.
 * @throws {SetupError} when h2load is missing or a request failed
 */
export async function sendBursts(
  request: H2Request,
  bursts: Bursts,
): Promise<{ readonly latenciesMs: readonly Millis[]; readonly perSecond: number }> {
  const { perSecond, burst, settleSeconds } = bursts;
  const requests = requestsOf(bursts);
  const [gapMs, each] = [1000 * burst / perSecond, burst / CONNECTIONS];
  const lines = Array.from(
    { length: requests / CONNECTIONS },
    (_, line) => `${(Math.floor(line / each) * gapMs).toFixed(3)}\t${request.url}\n`,
  );
  const { log } = await run(request, requests, ["-m", `${MOST_UNDER_WAY}`], lines.join(""));
  const sent = log.trim().split("\n").map((line) => line.split("\t").map(Number));
  const startsUs = sent.map(([startedUs]) => startedUs!).sort((a, b) => a - b);
  const settledAtUs = startsUs[0]! + 1e6 * settleSeconds;
  const kept = sent.filter(([startedUs]) => startedUs! >= settledAtUs);
  const sendingSeconds = (startsUs.at(-1)! - settledAtUs) / 1e6 + gapMs / 1000;
  return { latenciesMs: kept.map(([, , tookUs]) => tookUs! / 1000), perSecond: kept.length / sendingSeconds };
}

/** Runs h2load, with a script of instants also with a log of all requests; all of them must succeed. */
async function run(
  { body, args, connections }: H2Request,
  requests: number,
  more: readonly string[],
  script?: string,
): Promise<{ readonly report: string; readonly log: string }> {
  const folder = await Deno.makeTempDir();
  const file = (name: string) => join(folder, name);
  try {
    await Deno.writeFile(file("body"), body);
    await Deno.writeTextFile(file("script"), script ?? "");
    const paced = [`--timing-script-file=${file("script")}`, `--log-file=${file("log")}`];
    const all = ["-c", `${connections}`, "-d", file("body"), ...args, ...more];
    const report = await h2load(script === undefined ? all : [...all, ...paced], requests);
    return { report, log: script === undefined ? "" : await Deno.readTextFile(file("log")) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function h2load(args: string[], requests: number): Promise<string> {
  const command = new Deno.Command("h2load", { args, signal: AbortSignal.timeout(TIMEOUT_MS) });
  // Where there is no such program it throws at once, and not by its promise.
  const { stdout, code } = await Promise.try(() => command.output()).catch((thrown) => {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new SetupError(["h2load must be on the PATH (Debian: nghttp2-client, Homebrew: nghttp2)"]);
  });
  const report = new TextDecoder().decode(stdout);
  if (code === 0 && new RegExp(`\\b${requests} succeeded, 0 failed`).test(report)) return report;
  throw new SetupError([`h2load ${args.join(" ")} failed:`, report.trim()]);
}
