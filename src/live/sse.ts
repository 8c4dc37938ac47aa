import { createParser } from "eventsource-parser";

export interface SseEvent {
  /** @default "message" */
  readonly event: string;
  readonly data: string;
}

/**
 * The server-sent events of a response's body, each as soon as it is complete; one that the end cuts off is dropped.
 * Leaving the loop ends the connection.
 */
export async function* sseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const complete: SseEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = "message", data }) => complete.push({ event, data }),
  });
  const decoder = new TextDecoder();
  const reader = body.getReader(); // not every browser can iterate over a body
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* complete.splice(0);
    }
  } finally {
    await reader.cancel().catch(() => {}); // read() has thrown what failed
  }
}
