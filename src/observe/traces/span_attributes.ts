import type { Attributes } from "@opentelemetry/api";
import type { GenerationOptions, WorkerHello } from "../../core/types.ts";
import type { RequestEnd } from "../observer.ts";

/**
 * The attributes of a request's span, under the names of OpenTelemetry's conventions for generative AI where
 * there is one. Never a word of a prompt or an answer, and not whose it is.
 */
export function spanAttributes(
  { transport, mode, status, request, answer, dispatch }: RequestEnd,
  worker: WorkerHello | undefined,
): Attributes {
  const { messages, maxTokens, stream, requestId, options } = request?.submission ?? {};
  const { reply, attempts } = answer ?? {};
  return {
    "omnispan.door": transport,
    "omnispan.mode": mode,
    ...(status !== "ok" && { "error.type": status }),
    ...(worker && { "gen_ai.provider.name": worker.backend, "gen_ai.request.model": worker.model }),
    ...(request && {
      "gen_ai.operation.name": messages ? "chat" : "text_completion",
      "gen_ai.request.max_tokens": maxTokens,
      "omnispan.request.id": requestId,
      "omnispan.stream": stream,
    }),
    ...(options && samplingOf(options)),
    ...(reply && {
      "gen_ai.usage.input_tokens": reply.inputTokens,
      "gen_ai.usage.output_tokens": reply.outputTokens,
    }),
    ...(reply?.finishReason && { "gen_ai.response.finish_reasons": [reply.finishReason] }),
    ...(dispatch && {
      "omnispan.batch.id": dispatch.id,
      "omnispan.batch.size": dispatch.tickets.length,
      "omnispan.batch.reason": dispatch.reason,
      "omnispan.attempts": attempts,
    }),
  };
}

function samplingOf(options: GenerationOptions): Attributes {
  const { temperature, topP, topK, seed, frequencyPenalty, presencePenalty } = options;
  return {
    "gen_ai.request.temperature": temperature,
    ...(topP > 0 && { "gen_ai.request.top_p": topP }),
    ...(topK > 0 && { "gen_ai.request.top_k": topK }),
    ...(seed !== undefined && { "gen_ai.request.seed": seed }),
    ...(frequencyPenalty !== 0 && { "gen_ai.request.frequency_penalty": frequencyPenalty }),
    ...(presencePenalty !== 0 && { "gen_ai.request.presence_penalty": presencePenalty }),
  };
}
