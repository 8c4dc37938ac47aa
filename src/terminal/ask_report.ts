import type { Answer } from "./answer.ts";
import { counted, ms, oneLine, threeDigits } from "./words.ts";

/** What the answer took, on one line; figures that there are none of are left out. */
export function answerLine(
  { finishReason, usage, omnispan, ttftMs, tokensPerSecond, e2eMs }: Answer,
): string {
  const measured = [
    ttftMs !== null && `TTFT ${ms(ttftMs)}`,
    usage && counted(usage.completion_tokens, "token"),
    tokensPerSecond !== null && `${threeDigits(tokensPerSecond)} tokens/s`,
    `E2E ${ms(e2eMs)}`,
    finishReason === "length" && "cut at max_tokens",
  ].filter(Boolean).join(", ");
  if (!omnispan) return measured;
  const { mode, queue_wait_ms: wait, dispatch } = omnispan;
  const attempts = dispatch?.attempts ?? 1;
  const engine = [
    typeof wait === "number" && `waited ${ms(wait)} in the queue`,
    dispatch && `batch of ${dispatch.size} (${oneLine(dispatch.reason)})`,
    attempts > 1 && `sent ${attempts} times`,
  ].filter(Boolean).join(", ");
  return `${measured}; ${oneLine(mode)}${engine && `: ${engine}`}`;
}

/** The fields of `--json`. */
export function answerJson(answer: Answer): string {
  const { text, finishReason, usage, ttftMs, tokensPerSecond, e2eMs, omnispan } = answer;
  return JSON.stringify({
    text,
    finish_reason: finishReason,
    usage,
    ttft_ms: ttftMs,
    tokens_per_second: tokensPerSecond,
    e2e_ms: e2eMs,
    omnispan,
  });
}
