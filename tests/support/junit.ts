import { stripVTControlCharacters } from "node:util";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The sums of a JUnit report's suites. */
export function junitCounts(xml: string): Counts {
  let tests = 0, failed = 0, skipped = 0;
  for (const [, attributes = ""] of xml.matchAll(/<testsuite\s([^>]*)>/g)) {
    const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    tests += count("tests");
    failed += count("failures") + count("errors");
    skipped += count("skipped") + count("disabled");
  }
  return { passed: tests - failed - skipped, failed, skipped };
}

/** The file that failed outside of its tests, as while it loads: deno test prints it in a line, but leaves it out of its report. */
export function uncaughtIn(line: string): string | undefined {
  return /^(\S+) \(uncaught error\)$/.exec(stripVTControlCharacters(line))?.[1];
}
