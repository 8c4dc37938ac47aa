import assert from "node:assert/strict";
import type { WorkerHello } from "../../core/types.ts";
import { end, notice, openRequest, turnedAway } from "../../../tests/support/observed_requests.ts";
import { spanAttributes } from "./span_attributes.ts";

const WORKER: WorkerHello = {
  backend: "vllm",
  model: "smollm2",
  simulated: false,
  capabilities: [],
  maxRows: 8,
  contextTokens: 1000,
  instance: "one",
};

Deno.test("a good request tells its model, its tokens and its batch", () => {
  assert.deepEqual(
    spanAttributes(end({ ...openRequest(), dispatch: notice({ tickets: [1, 2, 3] }) }), WORKER),
    {
      "omnispan.door": "http",
      "omnispan.mode": "micro_batch",
      "gen_ai.provider.name": "vllm",
      "gen_ai.request.model": "smollm2",
      "gen_ai.operation.name": "text_completion",
      "gen_ai.request.max_tokens": 64,
      "omnispan.request.id": "request-1",
      "omnispan.stream": true,
      "gen_ai.usage.input_tokens": 7,
      "gen_ai.usage.output_tokens": 11,
      "gen_ai.response.finish_reasons": ["length"],
      "omnispan.batch.id": 1,
      "omnispan.batch.size": 3,
      "omnispan.batch.reason": "window",
      "omnispan.attempts": 1,
    },
  );
});

Deno.test("of the sampling only what was asked for is told, and of a conversation that it is one", () => {
  const request = openRequest();
  const submission = {
    ...request.submission,
    messages: [{ role: "user", content: "a secret" }],
    options: {
      temperature: 0.5,
      topP: 0,
      topK: 40,
      seed: 0,
      stop: ["a secret"],
      ignoreEos: false,
      minTokens: 0,
      frequencyPenalty: -1,
      presencePenalty: 0,
      repetitionPenalty: 0,
    },
  };
  const attributes = spanAttributes(end({ ...request, submission }), WORKER);
  assert.equal(attributes["gen_ai.operation.name"], "chat");
  assert.equal(attributes["gen_ai.request.temperature"], 0.5);
  assert.equal(attributes["gen_ai.request.top_k"], 40);
  assert.equal(attributes["gen_ai.request.seed"], 0);
  assert.equal(attributes["gen_ai.request.frequency_penalty"], -1);
  assert.ok(!("gen_ai.request.top_p" in attributes));
  assert.ok(!("gen_ai.request.presence_penalty" in attributes));
  assert.doesNotMatch(JSON.stringify(attributes), /secret/);
});

Deno.test("of a request that was turned away the error is told, and not whose it was", () => {
  assert.deepEqual(spanAttributes(turnedAway("unauthenticated", "somebody"), undefined), {
    "omnispan.door": "http",
    "omnispan.mode": "micro_batch",
    "error.type": "unauthenticated",
  });
});
