import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { MakeCore } from "./engine.ts";
import { report, shrink } from "./failure.ts";
import { BUG_NAMES, buggyCore } from "./planted_bugs.ts";
import { FAULTS, type Scenario, scenarioOf } from "./scenario.ts";
import { coreOf, type Run, simulate } from "./simulate.ts";
import { Tally } from "./tally.ts";
import { MODES, REASON_TEXTS } from "../../src/core/modes/modes.ts";
import { Story } from "./trace.ts";

/** The seeds of all these tests follow this one. */
const FIRST_SEED = 1;
const PARTS = 30;
const REQUESTS_PER_PART = 100_000;
/** Between the first seeds of two parts; more than any part plays. */
const SEEDS_PER_PART = 10_000;
/** A planted bug must be found within so many requests, by seeds from the first part's on. */
const REQUESTS_PER_BUG = 2 * REQUESTS_PER_PART;

const total = new Tally();
const production: MakeCore = (scenario) => coreOf(scenario);

/** Plays seeds until so many requests are through or a promise breaks; the last run. */
function play(firstSeed: number, requests: number, makeCore: MakeCore): { scenario: Scenario; run: Run } {
  for (let seed = firstSeed, done = 0;; seed++) {
    const scenario = scenarioOf(seed);
    const run = simulate(scenario, makeCore);
    done += scenario.requests;
    if (makeCore === production) total.addAll(run.tally);
    if (run.broken || done >= requests) return { scenario, run };
  }
}

for (let part = 1; part <= PARTS; part++) {
  Deno.test(`every promise holds for ${REQUESTS_PER_PART} requests among faults, part ${part} of ${PARTS}`, () => {
    const firstSeed = FIRST_SEED + (part - 1) * SEEDS_PER_PART;
    const { scenario, run } = play(firstSeed, REQUESTS_PER_PART, production);
    if (run.broken) assert.fail(report(shrink(scenario, [], run.broken, production), production));
  });
}

Deno.test("all that can happen to a request has happened, in every mode and with every fault", () => {
  const rare = [
    "cancelled while it waits",
    "cancelled at the worker",
    "cancelled after tokens",
    "deadline_exceeded while it waits",
    "deadline_exceeded at the worker",
    "deadline_exceeded after tokens",
    "refused: full",
    "refused: late",
    "no worker came",
    "no worker came back for it",
    "rejected by a thread's end",
    "ok stream, sent again",
    "ok unary, sent again",
    "worker_timeout stream after tokens",
    "worker_timeout unary at the worker",
    "worker_unavailable stream after tokens",
    "worker_unavailable unary at the worker",
    "worker_internal_error stream after tokens",
    "worker_runtime_error stream at the worker, sent again",
    "worker_runtime_error unary at the worker, sent again",
    "a request ended the worker",
    "ok after more than WORKER_RPC_TIMEOUT_MS",
    "given up beside others",
    ...Object.keys(REASON_TEXTS).map((reason) => `sent: ${reason}`),
    ...[0, 1, 2, 3].map((worker) => `sent to worker ${worker}`),
    ...MODES.flatMap((own) =>
      MODES.filter((mode) => mode !== own).map((mode) => `asked for ${mode} in ${own}`)
    ),
    ...[
      "crash",
      "hang",
      "slow",
      "drain",
      "stall",
      "clock_forward",
      "clock_back",
      "clock_skew",
      "thread_restart",
    ].map(
      (fault) => `fault: ${fault}`,
    ),
  ];
  assert.deepEqual(rare.filter((kind) => total.get(kind) < 100), [], total.lines().join("\n"));
});

for (const name of BUG_NAMES) {
  Deno.test(`a planted bug is found: ${name}`, async () => {
    const { run } = play(FIRST_SEED, REQUESTS_PER_BUG, await buggyCore(name));
    assert.ok(run.broken, "it is not found");
  });
}

Deno.test("one seed always plays the same run", () => {
  const stories = [1, 2].map(() => {
    const story = new Story();
    simulate(scenarioOf(FIRST_SEED + 7), production, story.trace);
    return story.last(100_000, undefined);
  });
  assert.ok(stories[0]!.length > 100);
  assert.deepEqual(stories[0], stories[1]);
});

Deno.test("without faults every request gets its answer, as far as queue and worker hold what comes", () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 50; seed++) {
    const { tally, broken } = simulate(scenarioOf(seed, { without: FAULTS }));
    assert.equal(broken, undefined);
    const others = tally.lines().filter((line) =>
      !/^(ok (unary|stream)|refused: full|no worker came|worker_timeout (unary|stream) at the worker|ok after more than WORKER_RPC_TIMEOUT_MS|given up beside others|sent: \w+|sent to worker \d|asked for .*) \d+$/
        .test(line)
    );
    assert.deepEqual(others, []);
  }
});

Deno.test("a broken run is reported as a small case, with a command that breaks the same promise", async () => {
  const bug = "sent_again_out_of_order";
  const makeCore = await buggyCore(bug);
  const { scenario, run } = play(FIRST_SEED, REQUESTS_PER_BUG, makeCore);
  const failure = shrink(scenario, [], run.broken!, makeCore);
  assert.ok(
    failure.requests < scenario.requests,
    `${failure.requests} of ${scenario.requests} requests are left`,
  );
  const text = report(failure, makeCore, bug);
  const [, flags] = /^again: deno task simulate (.*)$/m.exec(text)!;
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", main, ...flags!.split(" ")],
  }).output();
  const again = new TextDecoder().decode(stdout);
  assert.equal(code, 1, again);
  assert.equal(/^BROKEN .*/m.exec(again)?.[0], /^BROKEN .*/m.exec(text)?.[0]);
  assert.ok(again.includes(failure.broken.detail), again);
});
