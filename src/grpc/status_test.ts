import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { workerFailure } from "./status.ts";

Deno.test("each way in which a call to the worker fails has its status", () => {
  const statusOf = (code: Status) => workerFailure({ code, details: "" });
  assert.equal(statusOf(Status.DEADLINE_EXCEEDED), "worker_timeout");
  assert.equal(statusOf(Status.UNAVAILABLE), "worker_unavailable");
  assert.equal(statusOf(Status.CANCELLED), "worker_cancelled");
  assert.equal(statusOf(Status.RESOURCE_EXHAUSTED), "worker_resource_exhausted");
  assert.equal(statusOf(Status.INTERNAL), "worker_internal_error");
  assert.equal(statusOf(Status.UNIMPLEMENTED), "worker_transport_error");
});

Deno.test("a stream that broke under a call is the transport's failure, not the worker's", () => {
  const broken = {
    code: Status.INTERNAL,
    details: "Received RST_STREAM with code 2 (Internal server error)",
  };
  assert.equal(workerFailure(broken), "worker_transport_error");
});
