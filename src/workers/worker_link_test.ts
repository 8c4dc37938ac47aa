/** A link to a worker process: what it sends of a group, and what it answers by itself. */
import assert from "node:assert/strict";
import { ScriptedWorker } from "../../tests/support/engine.ts";
import { waitUntil } from "../../tests/support/wait.ts";
import { parseSettings } from "../config/parse.ts";
import type { DispatchMember, Event } from "../core/events.ts";
import type { Dispatch, Submission, WorkerResult } from "../core/types.ts";
import { WorkerLink } from "./worker_link.ts";

/** grpc-js keeps timers and sockets for a moment after a close. */
const SANITIZE = { sanitizeOps: false, sanitizeResources: false };

const GOOD: Submission = {
  requestId: "r",
  tenantId: "t",
  prompt: "x",
  promptBytes: 1,
  maxTokens: 1,
  stream: false,
  receivedAt: 0,
};
const HALF = "\ud83d";
const DISPATCH: Dispatch = {
  id: 1,
  worker: 0,
  mode: "direct",
  reason: "direct",
  lateMs: 0,
  at: 0,
  tickets: [],
};

function member(sequence: number, change: Partial<Submission> = {}): DispatchMember {
  return { sequence, wireId: `r#${sequence}`, submission: { ...GOOD, ...change }, remainingMs: undefined };
}

interface Linked {
  readonly worker: ScriptedWorker;
  /** Sends them as one group and gives their results, by sequence. */
  answers(members: readonly DispatchMember[]): Promise<Map<number, WorkerResult["reply"]>>;
}

function test(name: string, session: "sound" | undefined, fn: (linked: Linked) => Promise<void>): void {
  Deno.test({
    name: `${name}, ${session ? "with" : "without"} sessions`,
    ...SANITIZE,
    async fn() {
      await using worker = new ScriptedWorker(0, session);
      const { settings } = parseSettings([], { WORKER_ENDPOINT: await worker.address() });
      const events: Event[] = [];
      let isUp = false;
      const link = new WorkerLink(0, settings, {
        event: (event) => events.push(event),
        status: ({ state }) => isUp = state === "up",
        warn: (message) => assert.fail(message),
      });
      try {
        await waitUntil("the worker is up", () => isUp);
        await fn({
          worker,
          async answers(members) {
            link.dispatch({ dispatch: DISPATCH, members, timeoutMs: 10_000 });
            const results = () => events.flatMap((event) => event.kind === "step" ? event.step.results : []);
            await waitUntil("all are answered", () => results().length === members.length);
            assert.ok(!events.some(({ kind }) => kind === "lost"));
            return new Map(results().map(({ sequence, reply }) => [sequence, reply]));
          },
        });
      } finally {
        link.close();
      }
    },
  });
}

for (const session of ["sound", undefined] as const) {
  test(
    "what is no Unicode is answered here, and the rest of its group runs",
    session,
    async ({ answers }) => {
      const bad = [
        member(2, { prompt: `see ${HALF}` }),
        member(3, { tenantId: HALF }),
        member(4, {
          options: {
            temperature: 0,
            topP: 0,
            topK: 0,
            stop: ["a", HALF],
            ignoreEos: false,
            minTokens: 0,
            frequencyPenalty: 0,
            presencePenalty: 0,
            repetitionPenalty: 0,
          },
        }),
        member(5, { messages: [{ role: "user", content: HALF }], prompt: "" }),
      ];
      const replies = await answers([member(1), ...bad, member(6, { prompt: "😀" })]);
      assert.equal(replies.get(1)?.responseText, "echo:x");
      assert.equal(replies.get(6)?.responseText, "echo:😀");
      for (const { sequence, wireId } of bad) {
        const { status, badRequest, errorMessage, wireId: answered } = replies.get(sequence)!;
        assert.deepEqual([answered, status, badRequest], [wireId, "worker_runtime_error", true]);
        assert.match(errorMessage, /must be Unicode/);
      }
    },
  );

  test("a group that is too large for one message goes in several", session, async ({ worker, answers }) => {
    const large = { promptBytes: 40 * 2 ** 20 }; // as it says; the prompt itself is short
    const replies = await answers([
      member(1, large),
      member(2),
      member(3, large),
      member(4, large),
      member(5),
    ]);
    assert.deepEqual([...replies.values()].map(({ status }) => status), Array(5).fill("ok"));
    const ids = () => worker.calls().map(({ requests }) => requests.map(({ requestId }) => requestId).join());
    const sent = ["r#1,r#2", "r#3", "r#4,r#5"];
    await waitUntil("its reports are read", () => sent.every((group) => ids().includes(group)));
  });
}
