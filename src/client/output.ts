/** Nobody reads stdout any more; what writes to it may end. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

const encoder = new TextEncoder();

/** Writes all of it to stdout before it returns. @throws {ReaderGone} */
export function write(text: string): void {
  try {
    writeAll(Deno.stdout, text);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.BrokenPipe) throw new ReaderGone();
    throw thrown;
  }
}

/** A line to stderr, about the program itself; that nobody reads it ends nothing. */
export function tell(line: string): void {
  try {
    writeAll(Deno.stderr, line + "\n");
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
