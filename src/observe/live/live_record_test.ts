import assert from "node:assert/strict";
import { metricsOf, settingsOf, STATS, UP } from "../../../tests/support/observed_engine.ts";
import { parseMetrics, sampleOf } from "../../../tests/support/exposition.ts";
import { type LiveFeedOptions, LiveRecord } from "./live_record.ts";
import type { Observer, OpenRequest, RequestEnd } from "../observer.ts";
import { answer, end, notice, openRequest, turnedAway } from "../../../tests/support/observed_requests.ts";

/** An engine's requests, as its doors tell metrics and record of them. */
class Told {
  readonly metrics = metricsOf();
  readonly open = new Set<OpenRequest>();
  readonly record: LiveRecord;

  constructor(options: Partial<LiveFeedOptions> = {}) {
    this.record = new LiveRecord({
      settings: settingsOf(),
      startedAt: 500,
      counts: this.metrics.counts,
      worker: () => UP,
      supervision: { restarts: 0, problem: "" },
      stats: () => this.metrics.stats(),
      openRequests: () => this.open,
      stopping: () => false,
      ...options,
    });
  }

  get observers(): Observer[] {
    return [this.metrics, this.record];
  }

  arrive(...tickets: readonly number[]): OpenRequest[] {
    return tickets.map((ticket) => {
      const request = openRequest({ ticket });
      this.open.add(request);
      for (const observer of this.observers) observer.accepted?.(request);
      return request;
    });
  }

  leave(id: number, members: readonly OpenRequest[], at = 1010): void {
    const told = notice({ id, at, tickets: members.map(({ ticket }) => ticket) });
    for (const request of members) request.dispatch = told;
    for (const observer of this.observers) observer.dispatched?.(told, members);
  }

  end(...ends: readonly RequestEnd[]): void {
    for (const given of ends) {
      if (given.request) this.open.delete(given.request);
      for (const observer of this.observers) observer.ended?.(given);
    }
  }
}

Deno.test("a second tells what came, what ended and how long it took", () => {
  const told = new Told();
  const [first, second, third] = told.arrive(1, 2, 3);
  told.leave(1, [first!, second!]);
  told.end(
    end(first!),
    end(second!, "worker_timeout", answer({ status: "worker_timeout", outputTokens: 0 })),
  );
  told.end(turnedAway("invalid_argument"));
  third!.tokens = 4;
  told.record.closeSecond(2000, STATS);
  const { point } = told.record.tick(2000);
  const { ttft, tpot, e2e, ...counts } = point;
  assert.deepEqual(counts, {
    at: 2000,
    arrived: 4,
    ended: 3,
    failed: 2,
    outputTokens: 15,
    queueDepth: STATS.queueDepth,
    inFlight: STATS.inFlight,
    batches: 1,
    batchedRequests: 2,
    workerState: "up",
    kvUsage: 0.25,
  });
  for (const [told, right] of [[ttft, 60], [tpot, 10], [e2e, 161]] as const) {
    assert.ok(Math.abs(told.p99! - right) < right * 0.02, `${told.p99} for ${right}`);
  }
});

Deno.test("the tokens of a stream count in the second in which they come, and once", () => {
  const told = new Told();
  const [request] = told.arrive(1);
  const tokensIn = (tokens: number) => {
    request!.tokens = tokens;
    told.record.closeSecond(2000, STATS);
    return told.record.tick(2000).point.outputTokens;
  };
  assert.equal(tokensIn(5), 5);
  assert.equal(tokensIn(9), 4);
  told.end(end(request!)); // with 11
  assert.equal(tokensIn(9), 2);
  assert.equal(tokensIn(9), 0);
});

Deno.test("totals are the same figures as in the metrics", async () => {
  const told = new Told();
  const requests = told.arrive(1, 2, 3, 4, 5);
  told.leave(1, requests.slice(0, 3));
  told.end(...requests.slice(0, 3).map((request) => end(request)), end(requests[3]!, "deadline_exceeded"));
  told.end(turnedAway("unauthenticated", "whoever"));
  const text = parseMetrics(await told.metrics.text());
  const { totals } = told.record.tick(3000);
  const sum = (name: string, labels: Record<string, string> = {}) =>
    text.flatMap(({ samples }) => samples)
      .filter((sample) =>
        sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v)
      )
      .reduce((all, { value }) => all + value, 0);
  assert.deepEqual(totals, {
    accepted: sampleOf(text, "omnispan_requests_accepted_total")!,
    ok: sum("omnispan_requests_total", { status: "ok" }),
    failed: {
      deadline_exceeded: sum("omnispan_requests_total", { status: "deadline_exceeded" }),
      unauthenticated: sum("omnispan_requests_total", { status: "unauthenticated" }),
    },
    retried: sampleOf(text, "omnispan_requests_retried_total")!,
    inputTokens: sum("omnispan_tokens_total", { direction: "input" }),
    outputTokens: sum("omnispan_tokens_total", { direction: "output" }),
    batches: sum("omnispan_batch_size_count"),
  });
  assert.equal(totals.ok, 3);
  assert.equal(totals.batches, 1);
});

Deno.test("a batch is told when it leaves, and again when its last request has ended", () => {
  const told = new Told();
  const [first, second] = told.arrive(1, 2);
  told.leave(7, [first!, second!]);
  const [left, ...none] = told.record.tick(2000).batches;
  assert.deepEqual(none, []);
  assert.deepEqual(left, {
    id: 7,
    mode: "micro_batch",
    reason: "window",
    size: 2,
    capacity: 4,
    leftAt: 1010,
    endedAt: null,
    lateMs: 0.4,
    waitsMs: [10, 10],
  });
  told.end(end(first!));
  assert.deepEqual(told.record.tick(2000).batches, []);
  told.end(end(second!));
  assert.deepEqual(told.record.tick(2000).batches, [{ ...left, endedAt: 1161 }]);
  assert.deepEqual(told.record.tick(2000).batches, []);
  assert.deepEqual(told.record.hello(2000).batches, [{ ...left, endedAt: 1161 }]);
});

Deno.test("a request that is sent again has left its first batch", () => {
  const told = new Told();
  const [only] = told.arrive(1);
  told.leave(1, [only!], 1010);
  told.leave(2, [only!], 1500);
  const [first, second] = told.record.tick(2000).batches;
  assert.deepEqual([first!.endedAt, second!.endedAt], [1500, null]);
});

Deno.test("at most the last 60 batches are told, however many have left or end", () => {
  const told = new Told();
  const requests = told.arrive(...Array.from({ length: 200 }, (_, at) => at + 1));
  for (const [at, request] of requests.entries()) told.leave(at + 1, [request]);
  assert.equal(told.record.tick(2000).batches.length, 60);
  told.end(...requests.map((request) => end(request)));
  assert.deepEqual(
    told.record.tick(2000).batches.map(({ id }) => id),
    Array.from({ length: 60 }, (_, at) => at + 141),
  );
});

Deno.test("open requests are told with their phase, the oldest 100 of them", () => {
  const told = new Told();
  const [queued, prefill, decode, whole] = told.arrive(1, 2, 3, 4);
  told.leave(1, [prefill!, decode!]);
  decode!.firstTokenAt = 1050;
  decode!.tokens = 3;
  const unary = { ...openRequest({ ticket: 4, stream: false }), dispatch: notice() };
  told.open.delete(whole!);
  told.open.add(unary);
  told.arrive(...Array.from({ length: 150 }, (_, at) => at + 5));
  const { requests } = told.record.tick(1100);
  assert.equal(requests.length, 100);
  assert.deepEqual(requests.slice(0, 4).map(({ phase }) => phase), [
    "queued",
    "prefill",
    "decode",
    "running",
  ]);
  assert.deepEqual([requests[0]!.waitedMs, requests[2]!.waitedMs, requests[2]!.tokens], [100, 10, 3]);
  assert.equal(queued!.submission.requestId, requests[0]!.requestId);
  assert.equal(JSON.stringify(requests).includes("a prompt"), false);
});

Deno.test("15 minutes are kept, and there is a point from the start", () => {
  const told = new Told();
  assert.deepEqual(told.record.hello(1000).history, []);
  assert.equal(told.record.hello(1000).tick.point.ttft.p50, null);
  for (let second = 1; second <= 1000; second++) told.record.closeSecond(second * 1000, STATS);
  const { history } = told.record.hello(1_000_000);
  assert.deepEqual([history.length, history[0]!.at, history.at(-1)!.at], [900, 101_000, 1_000_000]);
});

Deno.test("percentiles fade after 30 s, the failures of the engine from its health as well", () => {
  const told = new Told();
  const requests = told.arrive(1, 2, 3);
  told.end(end(requests[0]!), end(requests[1]!, "internal"), end(requests[2]!, "cancelled"));
  for (let second = 1; second <= 29; second++) told.record.closeSecond(second * 1000, STATS);
  const before = told.record.tick(29_000);
  assert.notEqual(before.point.e2e.p50, null);
  assert.equal(before.health.why, "1 of 3 requests (33 %) failed in the last 30 s, the latest as internal.");
  for (let second = 30; second <= 31; second++) told.record.closeSecond(second * 1000, STATS);
  const after = told.record.tick(31_000);
  assert.equal(after.point.e2e.p50, null);
  assert.equal(after.health.state, "ok");
});

Deno.test("what is its caller's own doing is no trouble of the engine's", () => {
  const told = new Told();
  for (const status of ["unauthenticated", "resource_exhausted", "too_large"] as const) {
    told.end(turnedAway(status));
  }
  assert.equal(told.record.tick(2000).health.state, "ok");
  told.end(end(told.arrive(1)[0]!, "resource_exhausted"));
  assert.equal(told.record.tick(2000).health.state, "degraded");
});

Deno.test("the window is judged by the batches of the last minute", () => {
  const told = new Told();
  for (let ticket = 1; ticket <= 20; ticket++) {
    const [request] = told.arrive(ticket);
    told.leave(ticket, [request!]);
    told.end(end(request!));
  }
  const { window } = told.record.tick(2000);
  assert.deepEqual([window.verdict, window.batches, window.aloneShare, window.meanBatchWaitMs], [
    "costs",
    20,
    1,
    8,
  ]);
  for (let second = 1; second <= 60; second++) told.record.closeSecond(second * 1000, STATS);
  assert.equal(told.record.tick(62_000).window.verdict, "idle");
});

Deno.test("a scheduler that is silent for three seconds is told, with the last known depth of the queue", () => {
  const told = new Told();
  told.record.closeSecond(1000, STATS);
  for (const at of [2000, 3000]) told.record.closeSecond(at, undefined);
  assert.equal(told.record.tick(3000).health.state, "ok", "a busy machine");
  told.record.closeSecond(4000, undefined);
  const { health, point } = told.record.tick(4000);
  assert.equal(health.state, "down");
  assert.equal(point.queueDepth, STATS.queueDepth);
});

Deno.test("hello shows the settings in force, and of keys and certificates only whether they are given", () => {
  const settings = settingsOf({ API_KEYS_FILE: "/secret/keys", TLS_CERT: "/secret/c", TLS_KEY: "/secret/k" });
  const hello = new Told({ settings }).record.hello(1000);
  assert.equal(JSON.stringify(hello).includes("/secret"), false);
  assert.equal(hello.settings.API_KEYS_FILE, "given");
  assert.equal(hello.settings.TLS_KEY, "given");
  assert.equal(hello.settings.WORKER_TLS_CLIENT_KEY, "none");
  assert.equal(hello.settings.MAX_BATCH_SIZE, 4);
  assert.equal(hello.modeHints, false);
});
