export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The sums of a JUnit report's suites; undefined when it holds no test. */
export function junitCounts(xml: string): Counts | undefined {
  let tests = 0, failed = 0, skipped = 0;
  for (const [, attributes = ""] of xml.matchAll(/<testsuite\s([^>]*)>/g)) {
    const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    tests += count("tests");
    failed += count("failures") + count("errors");
    skipped += count("skipped") + count("disabled");
  }
  return tests > 0 ? { passed: tests - failed - skipped, failed, skipped } : undefined;
}
