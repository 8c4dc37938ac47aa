import type { HttpBindings } from "@hono/node-server";
import type { Context as HonoContext } from "hono";
import { Buffer, isUtf8 } from "node:buffer";
import { now } from "../../../clock.ts";
import { OmnispanError } from "../../../core/errors.ts";
import type { OnDelta } from "../../../scheduler/handle.ts";
import type { Millis, Submission, WorkerFailure, WorkerReply } from "../../../core/types.ts";
import { CALLER_GONE } from "../../caller_gone.ts";
import type { AnsweredEnd } from "../../../observe/observer.ts";
import { Exchange } from "../../exchange.ts";
import type { Ingress } from "../../ingress.ts";
import { cutToBytes } from "../../../utf8.ts";
import { MAX_ID_BYTES } from "../../validate.ts";
import { readJson } from "../body.ts";
import { EVENT_STREAM_HEADERS, EventStream } from "../event_stream.ts";
import { type HttpFailure, refusal, workerFailure } from "../status.ts";
import { AnswerEvents, type AnswerHead, type AnswerKind, CHAT, COMPLETION, wholeAnswer } from "./answers.ts";
import { availableModels, modelName, requireModel } from "./models.ts";
import { type Asked, type OwnHeaders, readChat, readCompletion } from "./requests.ts";
import { invalid, UnknownFields } from "./schema.ts";

/** How long a stream waits for its first token before it says 200: until then a failure still has a status. */
const COMMIT_MS = 5000;
const ALIVE_MS = 15_000;

export type Context = HonoContext<{ Bindings: HttpBindings }>;

/** One way of asking: how its body is read, and how its answer looks. */
interface Endpoint {
  readonly kind: AnswerKind;
  read(body: unknown, own: OwnHeaders, unknown: UnknownFields): Asked;
}

/** One prompt on its way: a request of the engine's own, which ends by itself. */
interface Prompt {
  readonly exchange: Exchange;
  readonly submission: Submission;
}

/** What the prompts of one request are cancelled with when one of them fails. */
const TOGETHER = new OmnispanError("cancelled", "another prompt of the same request failed");

/** `POST /v1/chat/completions` */
export function chatCompletions(ingress: Ingress) {
  return (context: Context) => answer(ingress, context, { kind: CHAT, read: readChat });
}

/** `POST /v1/completions` */
export function completions(ingress: Ingress) {
  return (context: Context) => answer(ingress, context, { kind: COMPLETION, read: readCompletion });
}

/** `GET /v1/models` and `GET /v1/models/:model` */
export function models(ingress: Ingress) {
  return (context: Context): Response => {
    ingress.keys?.identify(context.req.header("authorization"));
    const data = availableModels(ingress);
    const asked = context.req.param("model");
    if (asked === undefined) return context.json({ object: "list", data });
    requireModel(ingress, asked);
    return context.json({ ...data[0], id: modelName(ingress, asked) });
  };
}

async function answer(ingress: Ingress, { req, env }: Context, { kind, read }: Endpoint): Promise<Response> {
  const { settings } = ingress;
  const header = (name: string) => headerText(name, req.header(name));
  const requestId = bytesOf(req.header("x-request-id") ?? "").toString() || crypto.randomUUID();
  const headers: Record<string, string> = {
    "x-request-id": Buffer.from(cutToBytes(requestId, MAX_ID_BYTES)).toString("latin1"),
  };
  const incoming = {
    transport: "http",
    requestId,
    peer: peerOf(env),
    at: now(),
    header: (name: string) => req.header(name),
  } as const;
  const exchanges = [new Exchange(ingress, incoming)];
  let asked: Asked;
  let prompts: readonly Prompt[];
  try {
    exchanges[0]!.identify(); // before a body is read for somebody who may not ask
    header("x-request-id");
    const body = await readJson(req.raw, settings);
    const own = { requestId, tenantId: header("omnispan-tenant"), modeHint: header("omnispan-mode") ?? "" };
    const unknown = new UnknownFields(settings.UNKNOWN_FIELDS);
    asked = read(body, own, unknown);
    if (unknown.ignored !== undefined) headers["omnispan-ignored-fields"] = unknown.ignored;
    const receivedAt = now();
    const deadline = deadlineOf(header("omnispan-timeout-ms"), receivedAt, settings.HTTP_TIMEOUT_MS);
    requireModel(ingress, asked.model);
    const reception = { receivedAt, deadline, stream: asked.stream };
    prompts = asked.requests.map((raw, index) => {
      const exchange = exchanges[index] ??= new Exchange(ingress, { ...incoming, requestId: raw.requestId });
      return { exchange, submission: exchange.take(raw, reception) };
    });
  } catch (thrown) { // all of them or none
    const [error] = exchanges.map((exchange) => exchange.refused(thrown));
    return failed(refusal(error!), headers);
  }
  const { usage, continuousUsage, model } = asked;
  const { receivedAt } = prompts[0]!.submission;
  const head = {
    kind,
    requestId,
    receivedAt,
    model: () => modelName(ingress, model),
    usage,
    continuousUsage,
  };
  if (!asked.stream) {
    leaveWith(req.raw.signal, prompts);
    const answers = await answersOf(prompts);
    return isFailure(answers)
      ? failed(answers, headers)
      : Response.json(wholeAnswer(head, answers), { headers });
  }
  const client = { request: req.raw, hangUp: () => env.outgoing.destroy() };
  return await streamed(settings.STREAM_BUFFER_BYTES, prompts, head, client, headers);
}

/**
 * Says 200 with the first token, or after a while without one; a failure before that has its own status, one after it
 * is an event of the stream.
 */
async function streamed(
  limitBytes: number,
  prompts: readonly Prompt[],
  head: AnswerHead,
  { request, hangUp }: { readonly request: Request; readonly hangUp: () => void },
  headers: Record<string, string>,
): Promise<Response> {
  leaveWith(request.signal, prompts);
  const events = new AnswerEvents(head, prompts.map(({ submission }) => submission));
  const begun = Promise.withResolvers<void>();
  const stream = new EventStream(
    (text, index) => events.piece(text, index),
    limitBytes,
    (why) => leave(prompts, why),
    hangUp,
    ALIVE_MS,
  );
  const answering = answersOf(prompts, {
    delta(index, { text, tokens }) {
      begun.resolve();
      events.count(index, tokens);
      stream.push(text, index);
    },
    answered(index, answered) {
      begun.resolve();
      stream.say(events.last(index, answered));
    },
  });
  const timer = setTimeout(begun.resolve, COMMIT_MS);
  // A failure comes before the first token, or with it.
  const early = await Promise.race([answering, begun.promise]);
  clearTimeout(timer);
  if (early && isFailure(early) && !stream.used) {
    stream.abandon();
    return failed(early, headers);
  }
  void answering.then((answers) =>
    stream.end(isFailure(answers) ? [JSON.stringify(answers.body)] : events.end(answers))
  );
  return new Response(stream.body, { headers: { ...headers, ...EVENT_STREAM_HEADERS } });
}

/** Of the prompts of a stream, by their indexes. */
interface Progress {
  delta(index: number, delta: Parameters<OnDelta>[0]): void;
  answered(index: number, answered: AnsweredEnd): void;
}

/**
 * The answers to all prompts; or, when one of them fails, how the first that did so failed: it takes the others with
 * it. Each of them has ended then.
 */
async function answersOf(
  prompts: readonly Prompt[],
  progress?: Progress,
): Promise<readonly AnsweredEnd[] | HttpFailure> {
  let first: HttpFailure | undefined;
  const answers: AnsweredEnd[] = [];
  await Promise.all(prompts.map(async (prompt, index) => {
    // What the others bring after a failure, until they are cancelled, is nobody's.
    const onDelta: OnDelta | undefined = progress && ((delta) => first || progress.delta(index, delta));
    const ended = await answerOf(prompt, onDelta);
    if (isFailure(ended)) {
      first ??= ended;
      return leave(prompts, TOGETHER);
    }
    answers[index] = ended;
    if (!first) progress?.answered(index, ended);
  }));
  return first ?? answers;
}

async function answerOf(
  { exchange }: Prompt,
  onDelta: OnDelta | undefined,
): Promise<AnsweredEnd | HttpFailure> {
  try {
    const end = await exchange.answer(onDelta);
    return failureOf(end) ?? end;
  } catch (thrown) {
    return refusal(exchange.refused(thrown));
  }
}

function isFailure(ended: AnsweredEnd | readonly AnsweredEnd[] | HttpFailure): ended is HttpFailure {
  return "body" in ended;
}

function failureOf({ answer: { reply } }: AnsweredEnd): HttpFailure | undefined {
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

/** Ends what has not ended of these. */
function leave(prompts: readonly Prompt[], reason: OmnispanError): void {
  for (const { exchange } of prompts) exchange.leave(reason);
}

/** Leaves when the connection of the caller is gone. */
function leaveWith(signal: AbortSignal, prompts: readonly Prompt[]): void {
  if (signal.aborted) leave(prompts, CALLER_GONE);
  else signal.addEventListener("abort", () => leave(prompts, CALLER_GONE), { once: true });
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
