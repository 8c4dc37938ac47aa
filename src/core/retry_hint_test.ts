import assert from "node:assert/strict";
import fc from "fast-check";
import type { Millis, Ticket } from "./types.ts";
import { World } from "../../tests/simulator/core_world.ts";

/** A worker that is kept full, and how the ends of its rows lie to each other. */
interface Overload {
  readonly mode: "continuous" | "micro_batch";
  readonly rows: number;
  readonly serviceMs: Millis;
  /** Of each row's time, by how much it may differ; 0: all rows of a batch end at one moment. */
  readonly spread: number;
  readonly draws: readonly number[];
  /** When the refused client comes, in service times after the start. */
  readonly at: number;
}

const overloads: fc.Arbitrary<Overload> = fc.record({
  mode: fc.constantFrom("continuous", "micro_batch"),
  rows: fc.integer({ min: 1, max: 48 }),
  serviceMs: fc.integer({ min: 20, max: 2000 }),
  spread: fc.constantFrom(0, 0.03, 0.5, 1),
  draws: fc.array(fc.double({ min: -0.5, max: 0.5, noNaN: true }), { minLength: 7, maxLength: 40 }),
  at: fc.double({ min: 2.2, max: 6, noNaN: true }),
});

/** The world's clock goes on to `until` while its worker answers each row after the row's own time. */
class Worker {
  readonly #endsAt = new Map<Ticket, Millis>();
  #started = 0;

  constructor(private readonly world: World, private readonly overload: Overload) {}

  /** `answered` hears of each answer. */
  runUntil(until: Millis, answered: () => void): void {
    const { world } = this;
    for (;;) {
      this.#startNew();
      const [ticket, endsAt] = [...this.#endsAt].reduce((first, next) => next[1] < first[1] ? next : first);
      if (endsAt > until) break;
      world.advance(endsAt - world.now);
      this.#endsAt.delete(ticket);
      world.answer(ticket);
      answered();
    }
    world.advance(until - world.now);
  }

  #startNew(): void {
    const { serviceMs, spread, draws } = this.overload;
    for (const ticket of this.world.running) {
      if (this.#endsAt.has(ticket)) continue;
      const draw = draws[this.#started++ % draws.length]!;
      this.#endsAt.set(ticket, this.world.now + serviceMs * (1 + spread * draw));
    }
  }
}

Deno.test("a refused client that comes back when it was told finds about half of the queue gone", () => {
  fc.assert(
    fc.property(overloads, (overload) => {
      const { mode, rows, serviceMs, at } = overload;
      const capacity = 8 * rows;
      const world = new World(
        { ENGINE_MODE: mode, MAX_CONCURRENT_STREAMS: rows, MAX_BATCH_SIZE: rows, BATCH_WINDOW_MS: 0 },
        { queueCapacity: capacity, workerTimeoutMs: 1e6, rowTimeoutMs: 1e6 },
      );
      const worker = new Worker(world, overload);
      world.arriveTogether(capacity + rows);
      worker.runUntil(world.now + at * serviceMs, () => {
        if (world.stats.queueDepth < capacity) world.arrive();
      });
      world.arriveTogether(capacity - world.stats.queueDepth);
      const hintMs = world.refused(world.arrive()).retryAfterMs!;
      worker.runUntil(world.now + hintMs, () => {});
      if (hintMs === 50 || hintMs === 30_000) return; // the least and the most that is said
      const left = world.stats.queueDepth;
      const step = rows + 1; // a batch leaves the queue all at once
      const off = Math.abs(left - capacity / 2);
      assert.ok(off <= step + 0.1 * capacity, `${left} of ${capacity} wait after ${hintMs} ms`);
    }),
    { numRuns: 150 },
  );
});
