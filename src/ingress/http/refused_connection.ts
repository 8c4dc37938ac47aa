/** What the HTTP port answers where no request gets as far as the app. */
import { Buffer } from "node:buffer";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Settings } from "../../config/config.ts";
import { type ErrorCode, OmnispanError } from "../../core/errors.ts";
import type { Millis } from "../../core/types.ts";
import { type HttpFailure, refusal } from "./status.ts";

/** How long a client may go on with a request that was answered already, before its connection is closed. */
const LINGER_MS = 1000;

/** A refusal with a status of HTTP's own. */
export function protocolFailure(
  status: number,
  message: string,
  code: ErrorCode = "invalid_argument",
): HttpFailure {
  return { ...refusal(new OmnispanError(code, message)), status };
}

/** What node:http says of bytes that it could not read as a request, or did not get in time. */
export function unreadable(
  error: Error & { readonly code?: string },
  { HTTP_HEADER_BYTES, HTTP_BODY_TIMEOUT_MS }: Pick<Settings, "HTTP_HEADER_BYTES" | "HTTP_BODY_TIMEOUT_MS">,
  headersMs: Millis,
): HttpFailure {
  if (error.code === "HPE_HEADER_OVERFLOW") {
    const rule = `the headers must be at most ${HTTP_HEADER_BYTES} bytes (HTTP_HEADER_BYTES)`;
    return protocolFailure(431, `${rule}, got more`, "too_large");
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    const rule = `the headers must come within ${headersMs} ms, the body within ${HTTP_BODY_TIMEOUT_MS} ms ` +
      "(HTTP_BODY_TIMEOUT_MS)";
    return protocolFailure(408, rule, "too_slow");
  }
  return protocolFailure(400, `the request must be well-formed HTTP/1.1, got what is not (${error.code})`);
}

/** Answers with `failure` and ends the connection. */
export function refuse(outgoing: ServerResponse, failure: HttpFailure): void {
  const { headers, text } = written(failure);
  lingerAfter(outgoing.req);
  outgoing.writeHead(failure.status, headers);
  outgoing.end(text);
}

/** The same on a bare connection. */
export function refuseConnection(socket: Socket, failure: HttpFailure): void {
  const { headers, text } = written(failure);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.on("error", () => {}); // it may leave at once
  socket.removeAllListeners("data"); // the parser has stopped
  socket.write(`HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\n${lines}\r\n${text}`);
  linger(socket);
}

function written({ headers, body }: HttpFailure): { headers: Record<string, string>; text: string } {
  const text = JSON.stringify(body);
  const length = String(Buffer.byteLength(text));
  const own = { "content-type": "application/json", "content-length": length, connection: "close" };
  return { headers: { ...headers, ...own }, text };
}

/**
 * Makes the end of this request's connection leave time to read the answer: a close with unread bytes of the client
 * would be a reset, which can take the answer from the client's own buffer.
 */
export function lingerAfter({ socket }: IncomingMessage): void {
  socket.destroySoon = () => linger(socket);
}

function linger(socket: Socket): void {
  if (socket.writable) socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
