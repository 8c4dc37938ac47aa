import type { LogRecord } from "@logtape/logtape";
import assert from "node:assert/strict";
import { formatText } from "./logging.ts";

function recordOf(rawMessage: string, properties: Record<string, unknown>): LogRecord {
  const [before = "", name = "", after = ""] = rawMessage.split(/[{}]/);
  const message = [before, properties[name], after];
  return { category: ["omnispan"], level: "info", timestamp: 0, rawMessage, message, properties };
}

Deno.test("a text record has the properties that its message does not name", () => {
  const line = formatText(recordOf("request {id} ended", { id: "r1", mode: "direct" }));
  assert.match(line, /omnispan: request r1 ended mode=direct\n?$/);
});

Deno.test("what a client puts into an id can't forge a line or a colour", () => {
  const forged = "x\n2026-01-01T00:00:00Z INF all is well\u001b[31m\r\u2028";
  const line = formatText(recordOf("request {id} ended", { id: forged, tenant: forged }));
  assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\u2028]/u);
  assert.match(line, /request x\\u000a2026.* tenant=x\\u000a/);
});
