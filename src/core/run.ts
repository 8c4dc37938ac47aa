import type { DispatchNotice, Millis, SequenceId } from "./types.ts";

/** One sending of one request. */
export interface Run {
  readonly sequence: SequenceId;
  readonly wireId: string;
  readonly group: Group;
  readonly placeAt: Millis;
  readonly dispatchedAt: Millis;
  firstTokenAt: Millis | undefined;
  /** When it last got something: its dispatch, then its tokens. */
  progressAt: Millis;
  tokens: number;
}

/** Requests that left the queue together. */
export interface Group {
  readonly notice: DispatchNotice;
  /** Members at the worker. */
  left: number;
}
