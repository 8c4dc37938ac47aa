import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TestProcess } from "../../tests/support/process.ts";
import { waitUntil } from "../../tests/support/wait.ts";
import { parseSettings } from "../config/parse.ts";
import type { Dispatch, Submission } from "../core/types.ts";
import { type NewRequest, SchedulerHandle } from "./handle.ts";

const UNAVAILABLE = { code: "unavailable", message: "the engine is stopping" };
const SUBMISSION: Submission = {
  requestId: "one of several",
  tenantId: "",
  prompt: "x",
  promptBytes: 1,
  maxTokens: 2,
  stream: false,
  receivedAt: 0,
};

function request(change: Partial<Submission> = {}): NewRequest {
  const submission = { ...SUBMISSION, ...change };
  return { submission, mode: submission.mode ?? "queued", transport: "grpc", trace: undefined };
}

function settingsFor(workerEndpoint: string, env: Record<string, string> = {}) {
  return parseSettings([], { WORKER_ENDPOINT: workerEndpoint, LOG_LEVEL: "error", ...env }).settings;
}

Deno.test("whoever asks a stopped scheduler hears so, before the thread has ended and after", async () => {
  const scheduler = new SchedulerHandle(settingsFor("127.0.0.1:1"));
  assert.equal((await scheduler.stats()).accepted, 0);
  const stopped = scheduler[Symbol.asyncDispose]();
  const meanwhile = scheduler.stats().then(({ accepted }) => accepted, ({ code }) => code);
  await Promise.all([stopped, scheduler[Symbol.asyncDispose]()]);
  assert.ok([0, "unavailable"].includes(await meanwhile));
  await assert.rejects(scheduler.stats(), UNAVAILABLE);
  assert.throws(() => scheduler.submit(request()), UNAVAILABLE);
});

Deno.test("the thread tells how late its event loop was, each look once", async () => {
  await using scheduler = new SchedulerHandle(settingsFor("127.0.0.1:1"));
  let looks = 0;
  const startedAt = performance.now();
  await waitUntil("it was looked at twice", async () => {
    const { lagsMs } = await scheduler.stats();
    assert.ok(lagsMs.every((ms) => ms >= 0));
    looks += lagsMs.length;
    return looks >= 2;
  });
  const tookMs = performance.now() - startedAt;
  assert.ok(looks <= 2 + tookMs / 100, `${looks} looks in ${tookMs} ms`);
});

Deno.test("each group is told of before anything of its requests, by their tickets and in their mode", async () => {
  const script = fileURLToPath(new URL("../../tests/support/scripted_worker.ts", import.meta.url));
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", script, "0", "sound"] });
  const [, address] = await worker.waitFor(/listening on (\S+)/);
  const story: string[] = [];
  const dispatches: Dispatch[] = [];
  await using scheduler = new SchedulerHandle(
    settingsFor(address!, { ENGINE_MODE: "queued", BATCH_WINDOW_MS: "0" }),
    {
      dispatched(dispatch, members) {
        dispatches.push(dispatch);
        assert.deepEqual(members.map(({ ticket }) => ticket), dispatch.tickets);
        for (const ticket of dispatch.tickets) story.push(`${ticket} left`);
      },
    },
  );
  await waitUntil("the worker is up", () => scheduler.worker.state === "up");
  const stream = scheduler.submit(
    request({ stream: true }),
    ({ ticket, tokenIndex }) => story.push(`${ticket} token ${tokenIndex}`),
  );
  const batched = scheduler.submit(request({ mode: "micro_batch" }));
  const dispatchedAt = await Promise.all([stream, batched].map(async ({ ticket, answer }) => {
    const { phases } = await answer;
    story.push(`${ticket} answered`);
    return phases.dispatchedAt;
  }));
  assert.deepEqual(story.filter((line) => line.startsWith(`${stream.ticket} `)), [
    `${stream.ticket} left`,
    `${stream.ticket} token 0`,
    `${stream.ticket} token 1`,
    `${stream.ticket} answered`,
  ]);
  for (const [index, mode] of (["queued", "micro_batch"] as const).entries()) {
    const { ticket, dispatch } = [stream, batched][index]!;
    assert.equal(dispatch, dispatches.find(({ tickets }) => tickets.includes(ticket)));
    assert.deepEqual([dispatch?.mode, dispatch?.at, dispatch?.tickets], [mode, dispatchedAt[index], [
      ticket,
    ]]);
  }
});
