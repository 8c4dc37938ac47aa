/** The one place that writes what people read; programs read the logs. */
import type { Terminal } from "../supervisor/progress.ts";

const encoder = new TextEncoder();

/** A line of what was asked for, to stdout. */
export function print(line: string): void {
  writeAll(Deno.stdout, line + "\n");
}

/** A line about the program itself, to stderr. */
export function printError(line: string): void {
  writeAll(Deno.stderr, line + "\n");
}

export const stderrTerminal: Terminal = {
  write: (text) => writeAll(Deno.stderr, text),
  interactive: Deno.stderr.isTerminal(),
  columns: () => Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
};

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown; // else nobody reads any more; serve goes on
  }
}
