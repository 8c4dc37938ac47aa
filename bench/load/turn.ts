import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import type { Cell, RequestSpec, Sample, Sending } from "../record/sample.ts";
import type { Transport } from "./transport.ts";

/** One turn of a cell: what both kinds of loop need to know. */
export interface Turn {
  readonly cell: Cell;
  readonly round: number;
  readonly phase: Sending["phase"];
  readonly transport: Transport;
  /** Called once for each request that was sent, when it has ended. */
  record(sample: Sample): void;
  /** Called as each request is sent; those sent and not yet recorded are in flight. */
  onSent?(): void;
  /** Nothing is sent after it; what is under way is cancelled and recorded as interrupted. */
  readonly stop: AbortSignal;
}

/** Names and variants can be long, and an engine takes a request id of up to 256 characters. */
const LONGEST_TURN_NAME = 200;

/** What all request ids of a turn begin with: unique in a run together with the request's index. */
export function turnName({ cell: { variant, load }, round, phase }: Turn): string {
  return `${phase}/${round}/${variant}/${load}`.slice(0, LONGEST_TURN_NAME);
}

/** Sends one request of the turn and records what came of it. Never rejects. */
export async function sendOne(
  turn: Turn,
  name: string,
  request: RequestSpec,
  client: number | null,
  intendedAt: Millis,
): Promise<Sample> {
  const { transport, stop, cell, round, phase } = turn;
  const { index, tenant, maxTokens } = request;
  turn.onSent?.();
  const sentAt = now();
  const result = await transport.send(request, stop, `${name}/${index}`);
  const endedAt = now();
  const { variant, load } = cell;
  const place = { variant, load, round, phase, index, class: request.class, tenant, client, maxTokens };
  const sample = { ...place, intendedAt, sentAt, endedAt, ...result };
  turn.record(sample);
  return sample;
}
