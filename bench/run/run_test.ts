import assert from "node:assert/strict";
import type { Load, Variant } from "../plan.ts";
import { planOf } from "../../tests/support/bench/environment.ts";
import { limitsOfTurn, sizeOf, turnsOf } from "./run.ts";

const VARIANTS = ["a", "b", "c"].map((name): Variant => ({ name, mode: "direct", settings: {} }));
const LOADS = [1, 8, 32].map((concurrency): Load => ({
  kind: "closed",
  name: `${concurrency}`,
  concurrency,
}));
const OPEN: Load = { kind: "open", name: "4/s", arrivals: { kind: "poisson", rate: 4 } };

Deno.test("every round has every cell once, each round in an order of its own that the seed decides", () => {
  const plan = planOf({ variants: VARIANTS, loads: LOADS, rounds: 4, seed: 3 });
  const turns = turnsOf(plan);
  const names = (round: number) =>
    turns.filter((turn) => turn.round === round).map(({ variant, load }) => `${variant.name} ${load.name}`);
  assert.equal(turns.length, 4 * 9);
  assert.deepEqual(turns.map(({ round }) => round), turns.map((_, index) => Math.floor(index / 9)));
  for (const round of [0, 1, 2, 3]) assert.equal(new Set(names(round)).size, 9);
  assert.notDeepEqual(names(0), names(1));
  assert.deepEqual(turnsOf(plan), turns);
  assert.notDeepEqual(turnsOf({ ...plan, seed: 4 }), turns);
});

Deno.test("a cell's limits are shared out among its rounds", () => {
  const limits = (requests: number | null, durationMs: number | null, rounds: number, load = LOADS[0]!) =>
    limitsOfTurn({ requests, durationMs, rounds }, load);
  assert.deepEqual(limits(10, null, 3), { requests: 4, durationMs: Infinity });
  assert.deepEqual(limits(null, 9000, 3), { requests: Infinity, durationMs: 3000 });
  assert.deepEqual(limits(12, 9000, 1), { requests: 12, durationMs: 9000 });
  assert.deepEqual(limits(1, null, 3), { requests: 1, durationMs: Infinity });
});

Deno.test("a load has its own number of requests, and a variant its own loads", () => {
  const own: Load = { kind: "closed", name: "own", concurrency: 8, requests: 60 };
  const limits = { requests: 10, durationMs: null, rounds: 3 };
  assert.deepEqual(limitsOfTurn(limits, own), { requests: 20, durationMs: Infinity });
  assert.deepEqual(limitsOfTurn({ ...limits, requests: null }, own), { requests: 20, durationMs: Infinity });
  const [first, second] = VARIANTS;
  const variants = [{ ...first!, loads: ["8", "own"] }, { ...second!, loads: ["not there"] }];
  const turns = turnsOf(planOf({ variants, loads: [...LOADS, own], rounds: 1 }));
  assert.deepEqual(turns.map(({ variant, load }) => `${variant.name} ${load.name}`).sort(), [
    ...["a 8", "a own"],
    ...["b 1", "b 32", "b 8", "b own"],
  ]);
});

Deno.test("without limits a closed loop asks a few times for each client, and every load ends after 45 s", () => {
  const none = { requests: null, durationMs: null, rounds: 3 };
  assert.deepEqual(limitsOfTurn(none, LOADS[0]!), { requests: 16, durationMs: 15_000 });
  assert.deepEqual(limitsOfTurn(none, LOADS[2]!), { requests: 192, durationMs: 15_000 });
  assert.deepEqual(limitsOfTurn(none, OPEN), { requests: Infinity, durationMs: 15_000 });
});

Deno.test("the size of a run is told before it starts", () => {
  const plan = planOf({ variants: VARIANTS, loads: LOADS, rounds: 4, durationMs: 60_000 });
  assert.equal(sizeOf(plan), "3 variants under 3 loads in 4 rounds, up to 9 minutes of sending");
  assert.equal(sizeOf(planOf({ requests: 10 })), "1 variant under 1 load in 1 round");
});
