/**
 * grpc-js 1.14.7 lets a deadline that lies beyond what a timer can hold overflow, and ends the call at once. People do
 * write "a year" where they mean "whenever".
 * No issue is known.
 * Delete when a call with a deadline in a year is answered without it (tests/engine_test.ts).
 */
import type { Server } from "@grpc/grpc-js";
import type { Http2Server, IncomingHttpHeaders } from "node:http2";

/** The longest time, in seconds, that a timer of the runtime and grpc-js's 32-bit arithmetic can hold: 24.8 days. */
const LONGEST_TIMER_S = Math.floor((2 ** 31 - 1) / 1000);
const UNIT_S: Readonly<Record<string, number>> = { S: 1, M: 60, H: 3600 };

/** Takes a deadline that lies beyond what a timer can hold as none. Call it once the server has its listeners. */
export function ignoreFarDeadlines(server: Server): void {
  // grpc-js reads the header before any interceptor runs, so it has to be seen on the server beneath.
  const { http2Servers } = server as unknown as { http2Servers: ReadonlyMap<Http2Server, unknown> };
  for (const http2Server of http2Servers.keys()) {
    http2Server.prependListener("stream", (_stream, headers: IncomingHttpHeaders) => {
      if (isFar(headers["grpc-timeout"])) delete headers["grpc-timeout"];
    });
  }
}

/** Whether a grpc-timeout like "30S" is far. Units below a second can't reach that far with their 8 digits. */
function isFar(timeout: unknown): boolean {
  if (typeof timeout !== "string") return false;
  const unitS = UNIT_S[timeout.slice(-1)];
  return unitS !== undefined && Number(timeout.slice(0, -1)) * unitS > LONGEST_TIMER_S;
}
