import { type Completion, tokensPerSecond } from "../live/chat.ts";
import { counted, decimal, millis, oneLine } from "../live/format.ts";

/** What the answer took, on one line; figures that there are none of are left out. */
export function completionLine(completion: Completion): string {
  const { finishReason, usage, engine, ttftMs, e2eMs } = completion;
  const rate = tokensPerSecond(completion);
  const measured = [
    ttftMs !== undefined && `TTFT ${millis(ttftMs)}`,
    usage && counted(usage.completion_tokens, "token"),
    rate !== null && `${decimal(rate)} tokens/s`,
    `E2E ${millis(e2eMs)}`,
    finishReason === "length" && "cut at max_tokens",
  ].filter(Boolean).join(", ");
  if (!engine) return measured;
  const { mode, queue_wait_ms: wait, dispatch } = engine;
  const attempts = dispatch?.attempts ?? 1;
  const account = [
    typeof wait === "number" && `waited ${millis(wait)} in the queue`,
    dispatch && `batch of ${dispatch.size} (${oneLine(dispatch.reason)})`,
    attempts > 1 && `sent ${attempts} times`,
  ].filter(Boolean).join(", ");
  return `${measured}; ${oneLine(mode)}${account && `: ${account}`}`;
}

/** The fields of `--json`. */
export function completionJson(completion: Completion): string {
  const { text, finishReason = null, usage = null, ttftMs = null, e2eMs, engine = null } = completion;
  return JSON.stringify({
    text,
    finish_reason: finishReason,
    usage,
    ttft_ms: ttftMs,
    tokens_per_second: tokensPerSecond(completion),
    e2e_ms: e2eMs,
    omnispan: engine,
  });
}
