import type { Millis, TokenDelta } from "../../../src/core/types.ts";
import type { Outcome } from "../../../src/core/events.ts";
import { answerText, tokensOf } from "./answers.ts";
import { Broken } from "./broken.ts";
import { tooLate } from "./laws.ts";
import type { Situation } from "./situation.ts";
import type { Tracked } from "./tracked.ts";

export type Answered = Extract<Outcome, { kind: "answered" }>;
export type Refused = Extract<Outcome, { kind: "refused" }>;

const RETRY_AFTER_MS = { least: 50, unknown: 1000, most: 30_000 };

/** Tokens go to a caller: they must be its own, the next ones, and of the run that is at the worker. */
export function checkDelta({ book }: Situation, delta: TokenDelta): void {
  const { ticket, tokenIndex, tokens, text } = delta;
  const request = book.find(ticket);
  if (!request?.group) {
    throw new Broken("no token comes outside a request's run", `token ${tokenIndex}`, ticket);
  }
  const { submission, given } = request;
  if (tokenIndex !== given) {
    throw new Broken("tokens come once and in order", `${tokenIndex} where ${given} was next`, ticket);
  }
  request.given += tokens;
  if (text !== answerText(submission.prompt, tokenIndex, request.given)) {
    throw new Broken("a caller gets its own text", `token ${tokenIndex} was ${JSON.stringify(text)}`, ticket);
  }
}

/**
 * A request that arrives is turned away: its own mode's queue must be full, or by that mode's answers its deadline
 * may be out of reach.
 */
export function checkTurnedAway({ limits, now }: Situation, arriving: Tracked, outcome: Refused): void {
  const { ticket, submission, lane } = arriving;
  const { waiting, waitingBytes } = lane;
  const full = waiting >= limits.queueCapacity || waitingBytes + submission.promptBytes > limits.queueBytes;
  const waitMs = lane.drainRate.waitMs(waiting, now);
  const hintMs = hintAfter(waitMs);
  if (outcome.retryAfterMs !== hintMs) {
    throw new Broken("a refusal says when to come back", `${outcome.retryAfterMs} ms for ${hintMs}`, ticket);
  }
  const late = waiting > 0 && waitMs !== undefined && tooLate(limits, arriving, waitMs, now);
  if (full || late) return;
  const detail = `${lane.mode}: ${waiting} wait with ${waitingBytes} bytes, and yet: ${outcome.message}`;
  throw new Broken("only its own mode's queue refuses a request", detail, ticket);
}

/** Half the time that the queue takes to empty. */
function hintAfter(waitMs: Millis | undefined): Millis {
  const { least, unknown, most } = RETRY_AFTER_MS;
  return waitMs === undefined ? unknown : Math.round(Math.min(most, Math.max(least, waitMs / 2)));
}

/** The caller left, or its deadline came. */
export function checkEnded(
  { judge, freed, limits, now }: Situation,
  request: Tracked,
  outcome: Refused,
): void {
  const { ticket, submission, sequence } = request;
  const cancelled = outcome.code === "cancelled" && judge.cancelled.has(ticket);
  const overdue = outcome.code === "deadline_exceeded" && submission.deadline! <= now;
  const late = outcome.code === "resource_exhausted" && !request.group && tooLate(limits, request, 0, now);
  if (!cancelled && !overdue && !late) {
    throw new Broken("a request ends for a reason", `${outcome.code}: ${outcome.message}`, ticket);
  }
  if (sequence > 0) freed.add(sequence);
}

export function checkAnswer(situation: Situation, request: Tracked, outcome: Answered): void {
  const { ticket, group, lane } = request;
  const { reply, attempts, phases } = outcome;
  checkPhases(situation, request, outcome);
  if (attempts === 0) return checkGaveUp(situation, request, outcome);
  if (!group) throw new Broken("no request fails without a cause", JSON.stringify(reply), ticket);
  const { dispatchedAt } = request;
  if (attempts !== request.attempts || phases.dispatchedAt !== dispatchedAt) {
    throw new Broken("an answer says how it was sent", JSON.stringify({ attempts, phases }), ticket);
  }
  lane.drainRate.answered(situation.now - dispatchedAt, situation.now);
  if (reply.status !== "ok") return checkFailure(situation, request, outcome);
  lane.serviceTime.took(situation.now - dispatchedAt, reply.outputTokens, situation.now);
  checkText(request, outcome);
}

function checkPhases({ now }: Situation, request: Tracked, { phases }: Answered): void {
  const { ticket, submission, begun } = request;
  const { queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt } = phases;
  const falls = !(submission.receivedAt <= queuedAt && queuedAt <= placeAt && placeAt <= dispatchedAt &&
    dispatchedAt <= firstTokenAt && firstTokenAt <= lastTokenAt && lastTokenAt <= now);
  const seen = !begun || (firstTokenAt === request.firstTokenAt && lastTokenAt === request.progressAt);
  if (!falls && seen) return;
  const detail = `received ${submission.receivedAt}, ${JSON.stringify(phases)}, settled ${now}`;
  throw new Broken("phases never fall", detail, ticket);
}

function checkGaveUp({ book, now }: Situation, { ticket, sequence }: Tracked, { reply }: Answered): void {
  if (book.giveUpAt <= now && sequence === 0 && reply.status === "worker_unavailable") return;
  throw new Broken("requests wait for a lost worker", `${reply.status}: ${reply.errorMessage}`, ticket);
}

function checkFailure({ judge, freed, now }: Situation, request: Tracked, { reply }: Answered): void {
  const { ticket, verdict, sequence } = request;
  if (verdict?.kind === "failed") {
    if (reply.status !== verdict.status) {
      throw new Broken("a failure says what happened", `${reply.status} for ${verdict.status}`, ticket);
    }
    if (verdict.tellWorker) freed.add(sequence);
    return;
  }
  const silent = reply.status === "worker_timeout" && judge.timeoutAt(request) <= now;
  if (!silent) {
    throw new Broken("no request fails without a cause", `${reply.status}: ${reply.errorMessage}`, ticket);
  }
  freed.add(sequence);
}

function checkText({ ticket, submission, verdict, given }: Tracked, { reply }: Answered): void {
  const { prompt, stream } = submission;
  const tokens = tokensOf(prompt);
  if (verdict?.kind !== "ok") {
    throw new Broken("ok is what the worker said", `it said ${verdict?.kind}`, ticket);
  }
  const own = stream
    ? given === tokens && reply.responseText === ""
    : reply.responseText === answerText(prompt, 0, tokens);
  if (own && reply.outputTokens === tokens) return;
  const got = stream ? `${given} of ${tokens} tokens` : JSON.stringify(reply.responseText);
  throw new Broken("a caller gets its own text", `ok with ${got}`, ticket);
}
