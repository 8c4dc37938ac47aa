/** A line longer than this is cut, so that a program that never ends one can't fill the memory. */
const LONGEST_LINE = 16_384;

/** The lines of a program's output without their ends; a carriage return (progress bars) ends one too. */
export async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop() ?? "";
    yield* parts.filter((line) => line !== "").map((line) => line.slice(0, LONGEST_LINE));
    if (rest.length > LONGEST_LINE) rest = rest.slice(0, LONGEST_LINE);
  }
  rest = rest.trimEnd();
  if (rest !== "") yield rest;
}

/** The last few lines of an output. */
export class Tail {
  readonly #lines: string[] = [];

  constructor(private readonly limit = 20) {}

  push(line: string): void {
    if (this.#lines.push(line) > this.limit) this.#lines.shift();
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}
