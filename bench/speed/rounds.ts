import { now } from "../../src/clock.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { EngineLoad } from "../load/engine_load.ts";
import { countTokens } from "../load/stream.ts";
import type { Result } from "../record/sample.ts";

const NEVER = new AbortController().signal;

export interface Rounds {
  readonly prompts: readonly string[];
  readonly maxTokens: number;
  readonly rounds: number;
  /** Ask for the tokens as they come. */
  readonly stream: boolean;
}

/** Output tokens a second of clients, one for each prompt, that all ask at once in each round. */
export async function inRounds(
  load: EngineLoad,
  { prompts, maxTokens, rounds, stream }: Rounds,
): Promise<number> {
  let tokens = 0;
  const start = now();
  for (let round = 0; round < rounds; round++) {
    const results = await Promise.all(prompts.map((prompt, index) => {
      const item = { index, prompt, maxTokens };
      return stream ? load.stream(item, NEVER) : load.send(item, NEVER);
    }));
    for (const result of results) tokens += ok(result).outputTokens;
  }
  return tokens / ((now() - start) / 1000);
}

/** @throws {SetupError} when it failed, or brought other tokens than it counts */
export function ok(result: Result): Result {
  const { outcome, status, errorMessage, outputTokens, arrivals } = result;
  if (outcome !== "ok") {
    throw new SetupError([`a request of the measurement failed: ${status}: ${errorMessage}`]);
  }
  const streamed = arrivals && countTokens(arrivals);
  if (streamed !== null && streamed !== outputTokens) {
    throw new SetupError([`a stream brought ${streamed} tokens and counts ${outputTokens}`]);
  }
  return result;
}
