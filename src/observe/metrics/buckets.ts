/** Upper bounds in seconds, rising. */
export type Bounds = readonly number[];

/**
 * Of OpenTelemetry's semantic conventions for generative AI (gen_ai.server.*), with further ones at the ends: answers
 * of a simulated worker take less, long ones of a large model take more.
 */
export const DURATION_BOUNDS: Bounds = [
  0.0025,
  0.005,
  0.01,
  0.02,
  0.04,
  0.08,
  0.16,
  0.32,
  0.64,
  1.28,
  2.56,
  5.12,
  10.24,
  20.48,
  40.96,
  81.92,
  163.84,
  327.68,
];
export const FIRST_TOKEN_BOUNDS: Bounds = [
  0.001,
  0.005,
  0.01,
  0.02,
  0.04,
  0.06,
  0.08,
  0.1,
  0.25,
  0.5,
  0.75,
  1,
  2.5,
  5,
  7.5,
  10,
  20,
  40,
  80,
];
export const OUTPUT_TOKEN_BOUNDS: Bounds = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.075,
  0.1,
  0.15,
  0.2,
  0.3,
  0.4,
  0.5,
  0.75,
  1,
  2.5,
];

export const WAIT_BOUNDS: Bounds = [
  0.0005,
  0.001,
  0.0025,
  0.005,
  0.01,
  0.02,
  0.05,
  0.1,
  0.2,
  0.5,
  1,
  2,
  5,
  10,
  20,
  60,
];
/** Timers come up to about a millisecond late; what matters is how often it is more. */
export const LATENESS_BOUNDS: Bounds = [
  0.0001,
  0.0002,
  0.0005,
  0.001,
  0.0015,
  0.002,
  0.005,
  0.01,
  0.02,
  0.05,
  0.1,
  0.5,
  2,
];
export const BATCH_SIZE_BOUNDS: Bounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/**
 * A histogram's counts. prom-client's own take about 400 ns for each value, more than ten times of this, and a request
 * is counted in five of them.
 */
export class Buckets {
  /** Values in each bucket alone; the last bucket is above all bounds. */
  readonly counts: Float64Array;
  count = 0;
  sum = 0;

  constructor(readonly bounds: Bounds) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    counts[at]!++;
    this.count++;
    this.sum += value;
  }
}
