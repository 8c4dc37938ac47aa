/** What the wire contract promises of one answer, whoever made it. */
import assert from "node:assert/strict";
import type { Timing__Output } from "../../src/grpc/generated/omnispan/Timing.ts";
import type { GenerateChunk__Output } from "../../src/grpc/generated/omnispan/GenerateChunk.ts";
import type { Mode } from "../../src/core/types.ts";
import type { ReadStream } from "./engine.ts";

/** The phases that follow each other from the engine's receive to its reply. */
const PHASES = ["acceptMs", "queueMs", "batchMs", "dispatchMs", "prefillMs", "decodeMs", "replyMs"] as const;

/** The parts follow each other without gap, and none takes negative time. */
export function checkTiming(timing: Timing__Output | null, endToEndLatencyMs: number): void {
  assert.ok(timing, "an answer carries its timing");
  for (const phase of PHASES) assert.ok(timing[phase] >= 0, `${phase} is ${timing[phase]}`);
  const sum = PHASES.reduce((total, phase) => total + timing[phase], 0);
  assert.ok(
    Math.abs(sum - endToEndLatencyMs) < 0.1,
    `the phases add up to ${sum} of ${endToEndLatencyMs} ms`,
  );
}

/** "ok" as a mode's unary replies say it; the last chunk of a stream says "ok" alone. */
export function checkOk(status: string, mode: Mode, why: string): void {
  const waits = mode === "queued" || mode === "micro_batch";
  assert.match(status, waits ? /^ok queue_wait_ms=\d+\.\d\d$/ : /^ok$/, why);
}

/** Chunks as far as they came: in order, without gap, under the caller's own id. */
export function checkChunks(chunks: readonly GenerateChunk__Output[], requestId: string): void {
  let tokens = 0;
  for (const chunk of chunks) {
    assert.equal(chunk.requestId, requestId);
    assert.equal(chunk.tokenIndex, tokens, "each chunk goes on where the last one ended");
    tokens += chunk.tokens;
  }
}

/** A stream that has ended well. */
export async function checkStream(
  stream: ReadStream,
  expected: { requestId: string; tenantId: string; text: string; tokens: number },
): Promise<GenerateChunk__Output> {
  const last = await stream.last;
  assert.equal(last.status, "ok", last.errorMessage);
  assert.equal(stream.text, expected.text);
  checkChunks(stream.chunks, expected.requestId);
  assert.equal(stream.tokens, expected.tokens);
  assert.equal(last.outputTokens, expected.tokens);
  assert.equal(last.tokenIndex, expected.tokens);
  assert.equal(last.textDelta, "");
  assert.equal(last.tenantId, expected.tenantId);
  checkTiming(last.timing, last.endToEndLatencyMs);
  const [first] = stream.chunks;
  assert.equal(first?.engineTtftMs, last.engineTtftMs);
  assert.equal(first?.gateWaitMs, last.gateWaitMs);
  assert.ok(last.gateWaitMs >= 0 && last.gateWaitMs <= last.engineTtftMs);
  assert.ok(last.engineTtftMs <= last.endToEndLatencyMs);
  for (const chunk of stream.chunks.slice(0, -1)) assert.equal(chunk.status, "ok");
  return last;
}
