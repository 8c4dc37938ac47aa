import assert from "node:assert/strict";
import { planOf } from "../../tests/support/bench/environment.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Turn } from "../run/lab.ts";
import { named } from "../workload/arrivals.ts";
import { scheduleOf } from "../workload/requests.ts";
import { saturate, type VariantSaturation } from "./saturate.ts";
import { saturationText } from "./saturation_text.ts";

const { mix: MIX } = planOf();

Deno.test("a trial that was too short is a row of its own, and the next one is at its rate and longer", async () => {
  const { found } = await saturated(100, 6000);
  const at = found.trials.findIndex(({ outcome }) => outcome === "too_short");
  const [short, longer] = found.trials.slice(at, at + 2);
  assert.ok(at >= 0 && short && longer);
  assert.deepEqual([longer.rate, longer.outcome], [short.rate, "kept"]);
  assert.ok(longer.summary.seconds > 1.5 * short.summary.seconds);
  assert.match(saturationText(found), /│ +\d+ │.*│ kept, but short for its latency: repeated for longer +│/);
});

Deno.test("every trial is a cell of its own in the report, also at a rate that was tried before", async () => {
  const { found, turns } = await saturated(100, 6000);
  const names = turns.map(({ load }) => load.name);
  assert.equal(new Set(names).size, names.length, names.join("\n"));
  const rates = found.trials.map(({ rate }) => rate);
  assert.ok(new Set(rates).size < rates.length, "the search confirms at a rate that it knows");
  found.trials.forEach(({ rate, summary }, at) => {
    const plain = `${rate}/s poisson`;
    assert.equal(summary.load, rates.indexOf(rate) === at ? plain : `${plain}, trial ${at + 1}`);
  });
  assert.equal(found.answer?.confirmed, true);
});

Deno.test("a trial in which the engine went is none, and the search ends", async () => {
  const { found, turns } = await saturated(100, 6000, 4);
  assert.equal(turns.length, 4);
  assert.equal(found.trials.length, 2, "of the first look and three trials");
  assert.equal(found.answer, null);
});

/** A search over an engine that answers after `latencyMs`, and at most so many requests a second, until it is gone. */
async function saturated(capacity: number, latencyMs: number, turnsUntilGone = Infinity) {
  const variant = { name: "continuous", mode: "continuous" as const, settings: {} };
  const found: VariantSaturation = { variant, trials: [], answer: null };
  const turns: Turn[] = [];
  const lab = {
    isGone: () => turns.length >= turnsUntilGone,
    turn(turn: Turn) {
      turns.push(turn);
      const { load, round } = turn;
      const cell = { variant: variant.name, load: load.name, round };
      if (load.kind === "closed") {
        return Promise.resolve([sampleOf({ ...cell, intendedAt: 0, sentAt: 0, endedAt: 10 })]);
      }
      turn.progress.start();
      const drawn = scheduleOf(load, MIX, turn.limits, 1 + round);
      let freeAt = 0;
      const samples = (turn.reshape?.(drawn) ?? drawn).map(({ index, atMs }) => {
        freeAt = Math.max(freeAt, atMs) + 1000 / capacity;
        return sampleOf({
          ...cell,
          index,
          intendedAt: atMs,
          sentAt: atMs,
          endedAt: freeAt + latencyMs,
          firstTextMs: 5,
        });
      });
      return Promise.resolve(samples);
    },
  };
  const loadOf = (rate: number) => named({ kind: "open", arrivals: { kind: "poisson", rate } });
  const plan = { requests: null, durationMs: null, slo: {} };
  await saturate(lab, found, plan, loadOf, new AbortController().signal);
  return { found, turns };
}
