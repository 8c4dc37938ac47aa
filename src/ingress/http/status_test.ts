import assert from "node:assert/strict";
import { OmnispanError } from "../../core/errors.ts";
import { failedReply } from "../../core/types.ts";
import { refusal, workerFailure } from "./status.ts";

Deno.test("a refusal says its status, its kind and the field, as OpenAI's clients read it", () => {
  const { status, body, headers } = refusal(
    new OmnispanError("invalid_argument", "top_p must be less", { param: "top_p" }),
  );
  assert.equal(status, 400);
  assert.deepEqual(headers, {});
  assert.deepEqual(body.error, {
    message: "top_p must be less",
    type: "invalid_request_error",
    param: "top_p",
    code: "invalid_value",
  });
});

Deno.test("slow senders, passed deadlines and full queues are told apart", () => {
  const statusOf = (
    code: "too_slow" | "deadline_exceeded" | "resource_exhausted" | "unavailable" | "too_large",
  ) => refusal(new OmnispanError(code, "")).status;
  assert.equal(statusOf("too_slow"), 408);
  assert.equal(statusOf("deadline_exceeded"), 504);
  assert.equal(statusOf("resource_exhausted"), 429);
  assert.equal(statusOf("unavailable"), 503);
  assert.equal(statusOf("too_large"), 413);
});

Deno.test("the time to wait is told in whole seconds, at least one, and in ms", () => {
  const headersFor = (retryAfterMs: number) =>
    refusal(new OmnispanError("resource_exhausted", "", { retryAfterMs })).headers;
  assert.deepEqual(headersFor(50), { "retry-after": "1", "retry-after-ms": "50" });
  assert.deepEqual(headersFor(1000.5), { "retry-after": "2", "retry-after-ms": "1001" });
});

Deno.test("a worker's failure is the server's own unless the request was at fault", () => {
  const reply = {
    ...failedReply("worker_runtime_error", "the prompt is too long"),
    status: "worker_runtime_error",
  } as const;
  assert.equal(workerFailure(reply).status, 500);
  const own = workerFailure({ ...reply, badRequest: true });
  assert.equal(own.status, 400);
  assert.equal(own.body.error.type, "invalid_request_error");
});
