/** Server-sent events (html.spec.whatwg.org, 9.2) out of pieces of text that may break anywhere. */

export interface SentEvent {
  /** "message" where the sender gives none. */
  readonly name: string;
  readonly data: string;
}

export class EventReader {
  #rest = "";
  #name = "";
  #data: string[] = [];

  /** The events that this piece completes. */
  push(piece: string): SentEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): SentEvent[] {
    if (line === "") return this.#complete();
    const [, field, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line) ?? [];
    if (field === "data") this.#data.push(value ?? "");
    else if (field === "event") this.#name = value ?? "";
    return [];
  }

  #complete(): SentEvent[] {
    const event = { name: this.#name || "message", data: this.#data.join("\n") };
    const empty = this.#data.length === 0;
    this.#name = "";
    this.#data = [];
    return empty ? [] : [event];
  }
}

/** The events of a body as they come. Leaving the loop early, or an abort of its fetch, ends the connection. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const events = new EventReader();
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* events.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
