/** Milliseconds; as an instant, counted from the Unix epoch on the engine's steady clock (`clock.ts`). */
export type Millis = number;

/** The earlier of two instants, where undefined stands for never. */
export function earliest(a: Millis | undefined, b: Millis | undefined): Millis | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
