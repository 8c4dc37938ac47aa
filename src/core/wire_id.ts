import type { Ticket } from "./types.ts";

/** The id a request carries to the worker: the caller's, made unique, so that equal ids of two callers never meet. */
export function wireId(requestId: string, ticket: Ticket): string {
  return `${requestId}#${ticket}`;
}
