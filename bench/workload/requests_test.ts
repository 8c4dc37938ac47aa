import assert from "node:assert/strict";
import fc from "fast-check";
import type { Lengths, Load, RequestClass, RequestMix } from "../plan.ts";
import type { ScheduledRequest } from "../record/sample.ts";
import { PROMPTS } from "./prompts.ts";
import { requests, RequestSource, scheduleOf } from "./requests.ts";

const CHAT: RequestClass = {
  name: "chat",
  weight: 3,
  prompt: {
    kind: "tokens",
    length: { kind: "lognormal", mean: 60, sd: 40, min: 20, max: 200 },
    sharedPrefix: 10,
    prefixes: 3,
  },
  output: { kind: "uniform", min: 16, max: 96 },
  exactOutput: true,
  tenants: [{ name: "free", weight: 3 }, { name: "paid", weight: 1 }],
};
const DOCUMENT: RequestClass = {
  name: "document",
  weight: 1,
  prompt: { kind: "tokens", length: { kind: "fixed", tokens: 300 }, sharedPrefix: 0, prefixes: 1 },
  output: { kind: "geometric", mean: 20, max: 100 },
  exactOutput: false,
  tenants: [{ name: "batch", weight: 1 }],
};
const TEN_WORDS: RequestClass["prompt"] = {
  kind: "tokens",
  length: { kind: "fixed", tokens: 10 },
  sharedPrefix: 0,
  prefixes: 1,
};
const MIX: RequestMix = { classes: [CHAT, DOCUMENT] };

Deno.test("the same seed and index give the same request, another seed other ones", () => {
  assert.deepEqual(take(MIX, 200, 7), take(MIX, 200, 7));
  const [seven, eight] = [take(MIX, 200, 7), take(MIX, 200, 8)].map((some) =>
    some.map(({ prompt }) => prompt)
  );
  assert.deepEqual(seven?.filter((prompt) => eight?.includes(prompt)), []);
  assert.deepEqual(take(MIX, 3, 7).map(({ index }) => index), [0, 1, 2]);
});

Deno.test("classes and tenants come by their weights", () => {
  const some = take(MIX, 4000);
  const share = (part: number) => part / some.length;
  near(share(some.filter((one) => one.class === "chat").length), 0.75);
  near(share(some.filter(({ tenant }) => tenant === "free").length), 0.75 * 0.75);
  assert.deepEqual(
    new Set(some.filter((one) => one.class === "document").map(({ tenant }) => tenant)),
    new Set(["batch"]),
  );
});

Deno.test("a change of one class's lengths leaves everything else as it was", () => {
  const other = (lengths: Lengths): RequestMix => ({
    classes: [
      { ...CHAT, prompt: { ...CHAT.prompt as object, length: lengths } as RequestClass["prompt"] },
      DOCUMENT,
    ],
  });
  const before = take(MIX, 500);
  const after = take(other({ kind: "fixed", tokens: 31 }), 500);
  const without = (some: typeof before) =>
    some.map(({ prompt, ...rest }) =>
      rest.class === "chat" ? { ...rest, prefix: wordsOf(prompt).slice(0, 10) } : { ...rest, prompt }
    );
  assert.deepEqual(without(after), without(before));
  assert.notDeepEqual(after, before);
});

Deno.test("a change of the tenants leaves classes, prompts and lengths as they were", () => {
  const mix = { classes: [{ ...CHAT, tenants: [{ name: "one", weight: 1 }] }, DOCUMENT] };
  const without = (some: ReturnType<typeof take>) => some.map(({ tenant: _, ...rest }) => rest);
  assert.deepEqual(without(take(mix, 300)), without(take(MIX, 300)));
});

Deno.test("a synthetic prompt has as many words as tokens were drawn, counted as the simulated model counts", () => {
  const length = { kind: "uniform", min: 1, max: 40 } as const;
  fc.assert(fc.property(fc.nat(), fc.nat(39), (seed, sharedPrefix) => {
    const prompts = [{ ...CHAT, prompt: { kind: "tokens" as const, length, sharedPrefix, prefixes: 2 } }];
    const plain = [{ ...CHAT, prompt: { kind: "tokens" as const, length, sharedPrefix: 0, prefixes: 1 } }];
    const counts = take({ classes: prompts }, 20, seed).map(({ prompt }) => wordsOf(prompt).length);
    assert.deepEqual(counts, take({ classes: plain }, 20, seed).map(({ prompt }) => wordsOf(prompt).length));
    assert.ok(counts.every((count) => count >= 1 && count <= 40));
  }));
  const exact = take({ classes: [DOCUMENT] }, 20).map(({ prompt }) => wordsOf(prompt).length);
  assert.deepEqual(new Set(exact), new Set([300]));
});

Deno.test("prompts of a group share just their prefix, and there are as many groups as asked for", () => {
  const prompts = take({ classes: [CHAT] }, 300).map(({ prompt }) => wordsOf(prompt));
  const groups = Map.groupBy(prompts, (words) => words.slice(0, 10).join(" "));
  assert.equal(groups.size, 3);
  for (const members of groups.values()) {
    near(members.length / prompts.length, 1 / 3, 0.1);
    assert.equal(new Set(members.map((words) => words.slice(10, 18).join(" "))).size, members.length);
  }
});

Deno.test("without a shared prefix, prompts differ within their first eight words, also those of other rounds", () => {
  const beginnings = [1, 2, 3].flatMap((seed) =>
    take({ classes: [{ ...DOCUMENT, prompt: TEN_WORDS }] }, 2000, seed).map(({ prompt }) =>
      wordsOf(prompt).slice(0, 8).join(" ")
    )
  );
  assert.equal(new Set(beginnings).size, beginnings.length);
});

Deno.test("natural prompts are the built-in ones, each once a round", () => {
  const natural = { classes: [{ ...DOCUMENT, prompt: { kind: "natural" as const } }] };
  const round = take(natural, PROMPTS.length).map(({ prompt }) => prompt);
  assert.deepEqual(round.toSorted(), PROMPTS.toSorted());
});

Deno.test("recorded token counts take the place of the class's, and the answer has just as many", () => {
  const source = new RequestSource(MIX, 1);
  const recorded = { promptTokens: 123, outputTokens: 45 };
  const some = Array.from({ length: 50 }, () => source.next(recorded));
  assert.deepEqual(new Set(some.map(({ prompt }) => wordsOf(prompt).length)), new Set([123]));
  assert.ok(some.every(({ maxTokens, exactOutput }) => maxTokens === 45 && exactOutput));
  assert.deepEqual(
    some.map((one) => [one.class, one.tenant]),
    take(MIX, 50).map((one) => [one.class, one.tenant]),
  );
  const natural = new RequestSource({ classes: [{ ...CHAT, prompt: { kind: "natural" } }] }, 1);
  assert.equal(wordsOf(natural.next(recorded).prompt).length, 123);
});

Deno.test("a class without tenants asks as bench", () => {
  assert.equal(take({ classes: [{ ...CHAT, tenants: [] }] }, 1)[0]?.tenant, "bench");
});

const SCHEDULED: RequestMix = {
  classes: [{
    name: "chat",
    weight: 1,
    prompt: { kind: "tokens", length: { kind: "fixed", tokens: 20 }, sharedPrefix: 4, prefixes: 1 },
    output: { kind: "uniform", min: 1, max: 9 },
    exactOutput: false,
    tenants: [{ name: "free", weight: 1 }, { name: "paid", weight: 1 }],
  }],
};
const KNOWN = [
  [16, "free", 4, "period stop kind"],
  [16, "free", 9, "period seven stand"],
  [33, "paid", 7, "period mouth king"],
];
const KNOWN_GAMMA = [132, 214, 217];
const LIMITS = { requests: 100, durationMs: 60_000 };

Deno.test("a schedule has the requests of a closed loop of the same seed, with instants", () => {
  const schedule = scheduleOf(open({ kind: "poisson", rate: 10 }), SCHEDULED, LIMITS, 5);
  assert.equal(schedule.length, 100);
  assert.deepEqual(schedule.map(({ atMs: _, ...rest }) => rest), requests(SCHEDULED, 5).take(100).toArray());
});

Deno.test("other arrivals of the same seed ask for the same", () => {
  const [one, other] = [open({ kind: "poisson", rate: 10 }), open({ kind: "gamma", rate: 90, cv: 3 })]
    .map((load) => scheduleOf(load, SCHEDULED, LIMITS, 5));
  assert.deepEqual(one?.map(({ prompt }) => prompt), other?.map(({ prompt }) => prompt));
  assert.notDeepEqual(one?.map(({ atMs }) => atMs), other?.map(({ atMs }) => atMs));
});

Deno.test("a trace brings its lengths; class, tenant and prefix are the mix's", () => {
  const schedule = scheduleOf(
    open({ kind: "trace", file: "azure_conv_2023_excerpt", speed: 4 }),
    SCHEDULED,
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
    requests(SCHEDULED, 5).take(100).map(({ tenant }) => tenant).toArray(),
  );
});

Deno.test("a seed gives these very requests at these very times, in this version as in those before", () => {
  const poisson = scheduleOf(open({ kind: "poisson", rate: 20 }), SCHEDULED, LIMITS, 5, "some");
  const gamma = scheduleOf(open({ kind: "gamma", rate: 20, cv: 2 }), SCHEDULED, LIMITS, 5, "some");
  const short = ({ atMs, tenant, maxTokens, prompt }: ScheduledRequest) =>
    [Math.round(atMs), tenant, maxTokens, prompt.split(" ").slice(3, 6).join(" ")] as const;
  assert.deepEqual(poisson.slice(0, 3).map(short), KNOWN);
  assert.deepEqual(gamma.slice(0, 3).map(({ atMs }) => Math.round(atMs)), KNOWN_GAMMA);
});

function take(mix: RequestMix, count: number, seed = 1) {
  return requests(mix, seed).take(count).toArray();
}

/** As `count_words` of worker/backends/sim_text.py. */
function wordsOf(prompt: string): string[] {
  return prompt.split(/\s+/).filter((word) => word !== "");
}

function near(actual: number, expected: number, within = 0.025): void {
  assert.ok(Math.abs(actual - expected) <= within, `expected ${expected} ± ${within}, got ${actual}`);
}

Deno.test("another wording gives other words to made-up prompts and their prefixes, and changes nothing else", () => {
  const prompt = {
    kind: "tokens",
    length: { kind: "uniform", min: 40, max: 60 },
    sharedPrefix: 20,
    prefixes: 2,
  } as const;
  const mix = { classes: [{ ...CHAT, prompt }] };
  const [plain, other] = [requests(mix, 1), requests(mix, 1, "other")].map((some) => some.take(50).toArray());
  const words = (text: string) => text.split(" ");
  plain!.forEach((request, at) => {
    const { prompt, ...rest } = other![at]!;
    const { prompt: own, ...same } = request;
    assert.deepEqual(rest, same);
    assert.equal(words(prompt).length, words(own).length);
    assert.notEqual(words(prompt).slice(0, 20).join(), words(own).slice(0, 20).join());
  });
  assert.equal(new Set(other!.map(({ prompt }) => words(prompt).slice(0, 20).join())).size, 2);
});

function open(arrivals: (Load & { kind: "open" })["arrivals"]): Load & { kind: "open" } {
  return { kind: "open", name: "open", arrivals };
}
