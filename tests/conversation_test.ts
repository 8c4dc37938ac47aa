/** Conversations, raw prompts and mode hints over gRPC, to workers that know them and to one that does not. */
import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import type { DispatchReason__Output } from "../src/grpc/generated/omnispan/DispatchReason.ts";
import { engineFor, refusal, ScriptedWorker } from "./support/engine.ts";
import { SimWorker } from "./support/sim_worker.ts";

const SKY = "Why is the sky blue?";
const TURN = { role: "user", content: SKY };

function test(name: string, fn: () => Promise<void>): void {
  // grpc-js keeps timers and sockets for a moment after a close.
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

test("a conversation goes to the worker as it is; one question is what that prompt is", async () => {
  await using worker = await SimWorker.start();
  await using engine = await engineFor(worker.address);
  await engine.connected();
  const textOf = async (messages: readonly { role: string; content: string }[]) =>
    (await engine.submit({ messages: [...messages], maxTokens: 6 })).responseText;
  const prompt = (await engine.submit({ prompt: SKY, maxTokens: 6 })).responseText;
  assert.equal(await textOf([TURN]), prompt);
  const answered = [TURN, { role: "assistant", content: "It scatters light." }];
  const texts = [
    await textOf([...answered, TURN]),
    await textOf([{ role: "system", content: "Be brief." }, TURN]),
    await textOf([...answered, { role: "user", content: "And at night?" }]),
  ];
  assert.equal(new Set([prompt, ...texts]).size, 4, "each conversation has its own answer");
  const stream = engine.stream({ messages: [...answered, TURN], maxTokens: 6 });
  await stream.last;
  assert.equal(stream.text, texts[0]);
  assert.match((await engine.submit({ prompt: SKY, rawPrompt: true, maxTokens: 6 })).status, /^ok/);
});

for (const session of ["sound", undefined] as const) {
  const who = session ? "says that it knows no conversations" : "has no session to say what it knows";
  test(`a worker that ${who} gets one question as a prompt; more is refused by name`, async () => {
    await using worker = new ScriptedWorker(0, session);
    await using engine = await engineFor(await worker.address());
    await engine.connected();
    assert.equal((await engine.submit({ messages: [TURN], maxTokens: 1 })).responseText, `echo:${SKY}`);
    const neutral = { minTokens: 0, frequencyPenalty: 0, presencePenalty: 0, repetitionPenalty: 1 };
    assert.match((await engine.submit({ prompt: SKY, maxTokens: 1, ...neutral })).status, /^ok/);
    const asked = {
      messages: { messages: [TURN, TURN] },
      raw_prompt: { prompt: SKY, rawPrompt: true },
      prompt_tokens: { promptTokens: [1, 2] },
      min_tokens: { prompt: SKY, minTokens: 1 },
      frequency_penalty: { prompt: SKY, frequencyPenalty: 0.5 },
      presence_penalty: { prompt: SKY, presencePenalty: -0.5 },
      repetition_penalty: { messages: [TURN], repetitionPenalty: 1.1 },
    };
    for (const [field, request] of Object.entries(asked)) {
      const { code, details } = await refusal(engine.submit(request));
      assert.equal(code, Status.INVALID_ARGUMENT, field);
      const capability = field.replace(/^\w+_penalty$/, "penalties");
      const why = session ? "\\(scripted\\) has no" : "has no session to say that it has the";
      const rule = `^${field} must not be given: the worker ${why} capability ${capability}$`;
      assert.match(details, new RegExp(rule));
    }
  });
}

test("a prompt of tokens, the least length and penalties go to the worker", async () => {
  await using worker = await SimWorker.start();
  await using engine = await engineFor(worker.address);
  await engine.connected();
  const textOf = async (promptTokens: number[]) => {
    const reply = await engine.submit({ promptTokens, maxTokens: 3 });
    assert.equal(reply.inputTokens, promptTokens.length);
    return reply.responseText;
  };
  const text = await textOf([1, 2, 3]);
  assert.equal(await textOf([1, 2, 3]), text);
  assert.notEqual(await textOf([1, 2, 4]), text);
  const whole = (await engine.submit({ prompt: SKY, maxTokens: 20 })).responseText.split(" ");
  const stop = [whole[1]!];
  assert.equal((await engine.submit({ prompt: SKY, maxTokens: 20, stop })).outputTokens, 2);
  const longer = await engine.submit({ prompt: SKY, maxTokens: 20, stop, minTokens: 10 });
  assert.ok(longer.outputTokens >= 10, `${longer.outputTokens} tokens`);
  const penalties = { frequencyPenalty: 1, presencePenalty: -1, repetitionPenalty: 2 };
  assert.match((await engine.submit({ prompt: SKY, maxTokens: 2, ...penalties })).status, /^ok/);
  const { details } = await refusal(engine.submit({ prompt: SKY, maxTokens: 2, minTokens: 3 }));
  assert.equal(details, "min_tokens must be at most 2, which max_tokens is, got 3");
});

test("a request of very many parts is refused by its count, and the next one is answered", async () => {
  await using worker = await SimWorker.start();
  await using engine = await engineFor(worker.address);
  await engine.connected();
  const counts = {
    2500: /^messages must be at most 2048, got 2500$/,
    20_000: /at most 8192 fields, got more$/,
  };
  for (const [count, rule] of Object.entries(counts)) {
    const request = { messages: Array(Number(count)).fill(TURN), maxTokens: 1 };
    for (const reply of [engine.submit(request), engine.stream(request).last]) {
      const { code, details } = await refusal(reply);
      assert.equal(code, Status.INVALID_ARGUMENT);
      assert.match(details, rule);
    }
  }
  assert.match((await engine.submit({ prompt: SKY, maxTokens: 1 })).status, /^ok/);
});

test("a hint schedules one request by another mode; where hints are off it is refused", async () => {
  await using worker = await SimWorker.start();
  const reasonOf = {
    "": "DISPATCH_REASON_WINDOW",
    micro_batch: "DISPATCH_REASON_WINDOW",
    direct: "DISPATCH_REASON_DIRECT",
    queued: "DISPATCH_REASON_SLOT",
    continuous: "DISPATCH_REASON_GATE",
  } as const satisfies Record<string, DispatchReason__Output>;
  await using engine = await engineFor(worker.address, { ENGINE_MODE: "micro_batch" });
  await engine.connected();
  for (const [modeHint, reason] of Object.entries(reasonOf)) {
    const { dispatch } = await engine.submit({ prompt: SKY, modeHint });
    assert.equal(dispatch?.reason, reason, modeHint);
  }
  assert.match(
    (await refusal(engine.submit({ prompt: SKY, modeHint: "fast" }))).details,
    /^mode_hint must be one of/,
  );
  await using strict = await engineFor(worker.address, { MODE_HINTS: false });
  await strict.connected();
  const { details } = await refusal(strict.submit({ prompt: SKY, modeHint: "direct" }));
  assert.match(details, /^mode_hint must not be given: MODE_HINTS is false here, got "direct"$/);
});
