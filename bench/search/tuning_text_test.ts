import assert from "node:assert/strict";
import { parseSettings } from "../../src/config/parse.ts";
import { randomOf } from "../../tests/support/bench/queue.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Sample } from "../record/sample.ts";
import type { Candidate, Constraint, Tuned, Tuning } from "./tune.ts";
import { tuningText } from "./tuning_text.ts";

Deno.test("two candidates that are equal can't be told apart in at least 8 of 10 runs, and the simpler one is named", () => {
  let alike = 0;
  for (let run = 0; run < 20; run++) {
    const text = tell([candidate(16, 0.9, run * 2), candidate(8, 0.9, run * 2 + 1)]);
    if (
      /It cannot be told apart from continuous MAX_CONCURRENT_STREAMS=(8|16) \(better with \d\d %\)/.test(
        text,
      )
    ) {
      alike++;
      const simplest = text.split("\n").find((line) =>
        line.includes("deno task serve") && line.includes("simplest")
      );
      if (/It is the simplest of them\.$/m.test(text)) assert.equal(simplest, undefined);
      else assert.match(simplest ?? "", /--max-concurrent-streams 8 {3}\(the simplest\)$/);
    }
  }
  assert.ok(alike >= 16, `${alike} of 20`);
});

Deno.test("one that is clearly better is said to be, with how surely, and how to serve with it", () => {
  const text = tell([candidate(8, 0.5, 1), candidate(16, 0.95, 2)], [{ latency: "ttft", percent: 90 }]);
  assert.match(
    text,
    /^Best for 10\/s poisson: continuous MAX_CONCURRENT_STREAMS=16, with a goodput of [89]\.\d+ \(/m,
  );
  assert.match(text, /^It keeps ttft_p90=500ms by 9\d\.\d % of the requests \(9\d\.\d % to 9\d\.\d %\)\.$/m);
  assert.match(text, /^continuous MAX_CONCURRENT_STREAMS=8 does not keep ttft_p90=500ms\.$/m);
  assert.match(text, /^ {2}deno task serve --engine-mode continuous --max-concurrent-streams 16$/m);
  assert.match(
    tell([candidate(8, 0.5, 1), candidate(16, 0.95, 2)]),
    /^It is better than continuous MAX_CONCURRENT_STREAMS=8 with more than 99\.9 %\.$/m,
  );
});

Deno.test("where nothing keeps what is asked the nearest is named with what takes its time, and no command", () => {
  const timing = {
    acceptMs: 0,
    queueMs: 500,
    batchMs: 0,
    dispatchMs: 10,
    prefillMs: 200,
    decodeMs: 280,
    replyMs: 0,
  };
  const text = tell(
    [candidate(8, 0.3, 1, { timing }), candidate(16, 0.7, 2, { timing })],
    [{ latency: "ttft", percent: 95 }],
  );
  assert.match(
    text,
    /^No settings keep ttft_p95=500ms\. continuous MAX_CONCURRENT_STREAMS=16 came nearest: /m,
  );
  assert.match(text, /of its mean \d+ ms went queue 5\d % and decode 2\d %\.$/m);
  assert.doesNotMatch(text, /deno task serve/);
});

Deno.test("what was dropped by its rank alone is named, and a search that was stopped says so", () => {
  const goodput = { value: 8, low: 5, high: 11, samples: 30, few: false };
  const tuned: Tuned = {
    finalists: [candidate(8, 0.9, 1), candidate(16, 0.9, 2)],
    dropped: [
      { name: "direct", stage: 1, why: "rank", goodput },
      { name: "queued", stage: 1, why: "worse", goodput: { ...goodput, high: 6 } },
    ],
    turns: 12,
    complete: false,
  };
  const text = tuningText(tuned, TUNING, parseSettings([], {}), 90_000);
  assert.match(text, /^Dropped by rank in a short turn, so perhaps as good: direct\. /m);
  assert.match(text, /^4 candidates, 12 turns, 1\.5 minutes; stopped before the final was over/m);
  assert.equal(
    tuningText({ ...tuned, finalists: [] }, TUNING, parseSettings([], {}), 0),
    "Nothing was measured.",
  );
});

const TUNING: Tuning = {
  plan: { requests: null, durationMs: null, slo: { ttftMs: 500 }, seed: 1 },
  load: { kind: "open", name: "10/s poisson", arrivals: { kind: "poisson", rate: 10 } },
  constraints: [],
};

function tell(finalists: readonly Candidate[], constraints: readonly Constraint[] = []): string {
  const tuned = { finalists, dropped: [], turns: 8, complete: true };
  return tuningText(tuned, { ...TUNING, constraints }, parseSettings([], {}), 60_000);
}

/** Five rounds in turn with others, 10 requests a second, of which a share keeps TTFT 500 ms. */
function candidate(streams: number, share: number, seed: number, told: Partial<Sample> = {}): Candidate {
  const random = randomOf(seed);
  const variant = {
    name: `continuous MAX_CONCURRENT_STREAMS=${streams}`,
    mode: "continuous" as const,
    settings: { MAX_CONCURRENT_STREAMS: streams },
  };
  const samples = Array.from({ length: 600 }, (_, at) => {
    const round = Math.floor(at / 120);
    const intendedAt = round * 1e6 + (at % 120) * 100;
    const firstTextMs = random() < share ? 200 : 800;
    const ends = { intendedAt, sentAt: intendedAt, endedAt: intendedAt + 1000 };
    return sampleOf({ variant: variant.name, round, index: at, ...ends, firstTextMs, ...told });
  });
  return { variant, samples };
}
