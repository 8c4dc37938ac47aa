import assert from "node:assert/strict";
import type { Load, RequestMix } from "../plan.ts";
import { requests } from "./requests.ts";
import { scheduleOf } from "./schedule.ts";

const MIX: RequestMix = {
  classes: [{
    name: "chat",
    weight: 1,
    prompt: { kind: "tokens", length: { kind: "fixed", tokens: 20 }, sharedPrefix: 4, prefixes: 1 },
    output: { kind: "uniform", min: 1, max: 9 },
    exactOutput: false,
    tenants: [{ name: "free", weight: 1 }, { name: "paid", weight: 1 }],
  }],
};
const LIMITS = { requests: 100, durationMs: 60_000 };

Deno.test("a schedule has the requests of a closed loop of the same seed, with instants", () => {
  const schedule = scheduleOf(open({ kind: "poisson", rate: 10 }), MIX, LIMITS, 5);
  assert.equal(schedule.length, 100);
  assert.deepEqual(schedule.map(({ atMs: _, ...rest }) => rest), requests(MIX, 5).take(100).toArray());
});

Deno.test("other arrivals of the same seed ask for the same", () => {
  const [one, other] = [open({ kind: "poisson", rate: 10 }), open({ kind: "gamma", rate: 90, cv: 3 })]
    .map((load) => scheduleOf(load, MIX, LIMITS, 5));
  assert.deepEqual(one?.map(({ prompt }) => prompt), other?.map(({ prompt }) => prompt));
  assert.notDeepEqual(one?.map(({ atMs }) => atMs), other?.map(({ atMs }) => atMs));
});

Deno.test("a trace brings its lengths; class, tenant and prefix are the mix's", () => {
  const schedule = scheduleOf(
    open({ kind: "trace", file: "azure_conv_2023_excerpt", speed: 4 }),
    MIX,
    LIMITS,
    5,
  );
  const [first, second] = schedule;
  assert.equal(schedule.length, 100);
  assert.equal(first?.atMs, 0);
  assert.deepEqual([first?.prompt.split(" ").length, first?.maxTokens, first?.exactOutput], [374, 44, true]);
  assert.deepEqual(second?.prompt.split(" ").slice(0, 4), first?.prompt.split(" ").slice(0, 4));
  assert.notEqual(second?.prompt.split(" ")[5], first?.prompt.split(" ")[5]);
  assert.deepEqual(
    schedule.map(({ tenant }) => tenant),
    requests(MIX, 5).take(100).map(({ tenant }) => tenant).toArray(),
  );
});

function open(arrivals: (Load & { kind: "open" })["arrivals"]): Load & { kind: "open" } {
  return { kind: "open", name: "open", arrivals };
}
