import type { HttpBindings } from "@hono/node-server";
import type { Context as HonoContext } from "hono";
import { Buffer, isUtf8 } from "node:buffer";
import { now } from "../../../clock.ts";
import { OmnispanError } from "../../../errors.ts";
import type { Answer, Millis, Submission, WorkerFailure, WorkerReply } from "../../../types.ts";
import { CALLER_GONE } from "../../caller_gone.ts";
import type { Door, Visit } from "../../door.ts";
import { MAX_ID_LENGTH, type RawRequest } from "../../validate.ts";
import { readJson } from "../body.ts";
import { EVENT_STREAM_HEADERS, EventStream } from "../event_stream.ts";
import { type HttpFailure, refusal, workerFailure } from "../status.ts";
import { AnswerEvents, type AnswerHead, type AnswerKind, CHAT, COMPLETION, wholeAnswer } from "./answers.ts";
import { readChatRequest, toRawChat } from "./chat_request.ts";
import { readCompletionRequest, toRawCompletion } from "./completion_request.ts";
import { availableModels, modelName, requireModel } from "./models.ts";
import { invalid, type OwnHeaders, type SharedRequest } from "./schema.ts";

/** How long a stream waits for its first token before it says 200: until then a failure still has a status. */
const COMMIT_MS = 5000;
const ALIVE_MS = 15_000;

export type Context = HonoContext<{ Bindings: HttpBindings }>;

/** One way of asking: how its body is read, and how its answer looks. */
interface Endpoint<T extends SharedRequest> {
  readonly kind: AnswerKind;
  read(body: unknown): T;
  toRaw(body: T, headers: OwnHeaders): RawRequest;
}

const CHAT_ENDPOINT = { kind: CHAT, read: readChatRequest, toRaw: toRawChat };
const COMPLETION_ENDPOINT = { kind: COMPLETION, read: readCompletionRequest, toRaw: toRawCompletion };

/** `POST /v1/chat/completions` */
export function chatCompletions(door: Door) {
  return (context: Context) => answer(door, context, CHAT_ENDPOINT);
}

/** `POST /v1/completions` */
export function completions(door: Door) {
  return (context: Context) => answer(door, context, COMPLETION_ENDPOINT);
}

/** `GET /v1/models` and `GET /v1/models/:model` */
export function models(door: Door) {
  return (context: Context): Response => {
    door.keys?.identify(context.req.header("authorization"));
    const data = availableModels(door);
    const asked = context.req.param("model");
    if (asked === undefined) return context.json({ object: "list", data });
    requireModel(door, asked);
    return context.json({ ...data[0], id: modelName(door, asked) });
  };
}

async function answer<T extends SharedRequest>(
  door: Door,
  { req, env }: Context,
  endpoint: Endpoint<T>,
): Promise<Response> {
  const header = (name: string) => headerText(name, req.header(name));
  const requestId = bytesOf(req.header("x-request-id") ?? "").toString() || crypto.randomUUID();
  const headers = { "x-request-id": Buffer.from(requestId.slice(0, MAX_ID_LENGTH)).toString("latin1") };
  const visit = door.visit({
    door: "http",
    requestId,
    peer: peerOf(env),
    at: now(),
    header: (name) => req.header(name),
  });
  try {
    visit.identify(); // before a body is read for somebody who may not ask
    header("x-request-id");
    const body = endpoint.read(await readJson(req.raw, door.settings));
    const receivedAt = now();
    const deadline = deadlineOf(header("omnispan-timeout-ms"), receivedAt, door.settings.HTTP_TIMEOUT_MS);
    requireModel(door, body.model);
    const own = { requestId, tenantId: header("omnispan-tenant"), modeHint: header("omnispan-mode") ?? "" };
    const reception = { receivedAt, deadline, stream: body.stream ?? false };
    const submission = visit.take(endpoint.toRaw(body, own), reception);
    const usage = body.stream_options?.include_usage ?? false;
    const head = { kind: endpoint.kind, requestId, model: () => modelName(door, body.model), usage };
    return submission.stream
      ? await streamed(door, visit, submission, head, {
        request: req.raw,
        hangUp: () => env.outgoing.destroy(),
      }, headers)
      : await inOnePiece(visit, submission, head, req.raw, headers);
  } catch (thrown) {
    return failed(refusal(visit.refused(thrown)), headers);
  }
}

async function inOnePiece(
  visit: Visit,
  submission: Submission,
  head: AnswerHead,
  { signal }: Request,
  headers: Record<string, string>,
): Promise<Response> {
  const { answer, sentAt } = visit.answered(await visit.submit(submission, callerOf(signal).signal));
  const failure = failureOf(answer);
  if (failure) return failed(failure, headers);
  return Response.json(wholeAnswer(head, submission, answer, visit.mode, sentAt), { headers });
}

/**
 * Says 200 with the first token, or after a while without one; a failure before that has its own status, one after it
 * is an event of the stream.
 */
async function streamed(
  { settings }: Door,
  visit: Visit,
  submission: Submission,
  head: AnswerHead,
  { request, hangUp }: { readonly request: Request; readonly hangUp: () => void },
  headers: Record<string, string>,
): Promise<Response> {
  const caller = callerOf(request.signal);
  const events = new AnswerEvents(head, submission.receivedAt);
  const begun = Promise.withResolvers<void>();
  const stream = new EventStream(
    (text) => events.piece(text),
    settings.STREAM_BUFFER_BYTES,
    (why) => caller.abort(why),
    hangUp,
    ALIVE_MS,
  );
  const answering = visit.submit(submission, caller.signal, ({ text }) => {
    begun.resolve();
    stream.push(text);
  });
  const timer = setTimeout(begun.resolve, COMMIT_MS);
  let early: Answer | undefined;
  try {
    // A failure is thrown, or is an answer that comes before the first token.
    early = await Promise.race([answering, begun.promise.then(() => undefined)]);
  } catch (thrown) {
    stream.abandon();
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
  if (early && failureOf(early) && !stream.used) {
    stream.abandon();
    return failed(failureOf(visit.answered(early).answer)!, headers);
  }
  answering.then((ended) => {
    const { answer, sentAt } = visit.answered(ended);
    const failure = failureOf(answer);
    stream.end(failure ? [JSON.stringify(failure.body)] : events.end(submission, answer, visit.mode, sentAt));
  }).catch((thrown) => stream.end([JSON.stringify(refusal(visit.refused(thrown)).body)]));
  return new Response(stream.body, { headers: { ...headers, ...EVENT_STREAM_HEADERS } });
}

function failureOf({ reply }: Answer): HttpFailure | undefined {
  return reply.status === "ok" ? undefined : workerFailure(reply as WorkerReply & { status: WorkerFailure });
}

/** The address that a request came from. */
export function peerOf({ incoming }: HttpBindings): string | undefined {
  return incoming.socket.remoteAddress;
}

/** A failure as its response. */
export function failed({ status, body, headers }: HttpFailure, more: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { ...headers, ...more } });
}

/** Fires when the caller goes away, with a reason of ours. */
function callerOf(signal: AbortSignal): AbortController {
  const controller = new AbortController();
  const gone = () => controller.abort(CALLER_GONE);
  if (signal.aborted) gone();
  else signal.addEventListener("abort", gone, { once: true });
  return controller;
}

/** A header as it came: Node makes a character of each byte. */
function bytesOf(header: string): Buffer {
  return Buffer.from(header, "latin1");
}

/**
 * A header's text, which is UTF-8 as in a body.
 * @throws {OmnispanError} invalid_argument
 */
function headerText(name: string, header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const bytes = bytesOf(header);
  if (isUtf8(bytes)) return bytes.toString();
  throw new OmnispanError("invalid_argument", `the header ${name} must be UTF-8, got bytes that are not`, {
    param: name,
  });
}

/** @throws {OmnispanError} invalid_argument */
function deadlineOf(header: string | undefined, receivedAt: Millis, standardMs: Millis): Millis | undefined {
  if (header === undefined) return standardMs > 0 ? receivedAt + standardMs : undefined;
  const ms = /^\d{1,8}$/.test(header.trim()) ? Number(header) : 0;
  if (ms < 1 || ms > 86_400_000) {
    const got = JSON.stringify(header.slice(0, 40));
    throw invalid("omnispan-timeout-ms", `must be a whole number from 1 to 86400000, got ${got}`);
  }
  return receivedAt + ms;
}
