/** Server-sent events as the HTML standard has them (section 9.2.6). Imports nothing: it runs in browsers too. */

export interface SseEvent {
  /** @default "message" */
  readonly event: string;
  readonly data: string;
}

/** Makes events of text that may be cut anywhere, also inside a line end. */
export class SseParser {
  /** Of a line that has not ended. */
  #line = "";
  #afterCarriageReturn = false;
  #event = "";
  #data: string[] = [];

  /** The events that `text` completes. */
  push(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    const lineEnd = /\r\n|\r|\n/g;
    let from = this.#afterCarriageReturn && text.startsWith("\n") ? 1 : 0;
    if (text !== "") this.#afterCarriageReturn = text.endsWith("\r");
    lineEnd.lastIndex = from;
    for (let end = lineEnd.exec(text); end; end = lineEnd.exec(text)) {
      const event = this.#takeLine(this.#line + text.slice(from, end.index));
      if (event) events.push(event);
      this.#line = "";
      from = lineEnd.lastIndex;
    }
    this.#line += text.slice(from);
    return events;
  }

  #takeLine(line: string): SseEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    return undefined; // a comment, or id and retry, which nobody here needs
  }

  #dispatch(): SseEvent | undefined {
    const [event, data] = [this.#event || "message", this.#data];
    this.#event = "";
    this.#data = [];
    return data.length === 0 ? undefined : { event, data: data.join("\n") };
  }
}

/** The events in a response's bytes, each as soon as it is complete; one that the end cuts off is dropped. */
export async function* sseEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder();
  const parser = new SseParser();
  for await (const bytes of body) yield* parser.push(decoder.decode(bytes, { stream: true }));
}
