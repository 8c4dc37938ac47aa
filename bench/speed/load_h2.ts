import { SetupError } from "../../src/supervisor/setup_error.ts";
import { omnispan } from "../../src/grpc/contract.ts";

export interface H2Load {
  readonly address: string;
  readonly requests: number;
  readonly maxTokens: number;
  /** Open loop at this many a second; without it closed loop. */
  readonly perSecond?: number;
}

/** 4 connections with 32 requests under way on each: 128 closed-loop clients. */
const CONNECTIONS = 4;
const STREAMS = 32;
const PROMPT = "Tell me one fact about the moon, please.";
const TIMEOUT_MS = 120_000;

/**
 * Loads `SubmitGenerate` with h2load (of nghttp2), whose C client takes little of the processor that it shares
 * with what it measures, and returns the requests a second. It sees HTTP alone: the statuses of the replies are
 * checked by the engine's own counters.
 * @throws {SetupError} when h2load is missing or a request failed
 */
export async function h2load({ address, requests, maxTokens, perSecond }: H2Load): Promise<number> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(
      file,
      frame(omnispan.Engine.service.SubmitGenerate.requestSerialize({ prompt: PROMPT, maxTokens })),
    );
    const rate = perSecond === undefined ? [] : [`--rps=${perSecond / CONNECTIONS}`];
    const { stdout, code } = await new Deno.Command("h2load", {
      args: [
        ...["-c", `${CONNECTIONS}`, "-m", `${STREAMS}`, "-n", `${requests}`, ...rate, "-d", file],
        ...["-H", "content-type: application/grpc", "-H", "te: trailers"],
        `http://${address}/omnispan.Engine/SubmitGenerate`,
      ],
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).output().catch(() => {
      throw new SetupError(["h2load must be on the PATH (Debian: nghttp2-client, Homebrew: nghttp2)"]);
    });
    const text = new TextDecoder().decode(stdout);
    const [, rateText] = /finished in [^,]+, ([\d.]+) req\/s/.exec(text) ?? [];
    const done = new RegExp(`\\b${requests} succeeded, 0 failed`).test(text);
    if (code !== 0 || !rateText || !done) {
      throw new SetupError([`h2load against ${address} failed:`, text.trim()]);
    }
    return Number(rateText);
  } finally {
    await Deno.remove(file);
  }
}

/** A gRPC message as it stands in an HTTP/2 body: not compressed, its length, its bytes. */
function frame(message: Uint8Array): Uint8Array {
  const body = new Uint8Array(5 + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, 5);
  return body;
}
