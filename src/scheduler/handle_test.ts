import assert from "node:assert/strict";
import { parseSettings } from "../config.ts";
import { SchedulerHandle } from "./handle.ts";

const UNAVAILABLE = { code: "unavailable", message: "the engine is stopping" };

Deno.test("whoever asks a stopped scheduler hears so, before the thread has ended and after", async () => {
  const { settings } = parseSettings([], { WORKER_ENDPOINT: "127.0.0.1:1", LOG_LEVEL: "error" });
  const scheduler = new SchedulerHandle(settings);
  assert.equal((await scheduler.stats()).accepted, 0);
  const stopped = scheduler[Symbol.asyncDispose]();
  const meanwhile = scheduler.stats().then(({ accepted }) => accepted, ({ code }) => code);
  await Promise.all([stopped, scheduler[Symbol.asyncDispose]()]);
  assert.ok([0, "unavailable"].includes(await meanwhile));
  await assert.rejects(scheduler.stats(), UNAVAILABLE);
  const submission = {
    requestId: "late",
    tenantId: "",
    prompt: "x",
    promptBytes: 1,
    maxTokens: 1,
    stream: false,
    receivedAt: 0,
  };
  await assert.rejects(scheduler.submit(submission, new AbortController().signal), UNAVAILABLE);
});
