import assert from "node:assert/strict";
import type { LiveTick } from "../live/feed.ts";
import { lineWidth, plain } from "./line.ts";
import { helloAt, requestAt, tickAt } from "../../tests/support/live_events.ts";
import { after, type LiveState } from "../live/state.ts";
import { type Look, topLines } from "./top_view.ts";

const SIZES = [40, 80, 120].flatMap((columns) => [10, 24, 50].map((rows) => ({ columns, rows })));

Deno.test("at every size the lines fit, and health, worker, queue, tokens and window are there", () => {
  for (const size of [...SIZES, { columns: 1, rows: 1 }, { columns: 200, rows: 3 }]) {
    for (const state of [stateOf(), lost(stateOf()), stateOf(HOSTILE)]) {
      const lines = topLines(state, look(size));
      assert.ok(lines.length <= size.rows, `${lines.length} of ${size.rows} rows`);
      assert.ok(lines.every((line) => lineWidth(line) <= size.columns), `${size.columns} columns`);
      if (size.rows < 10) continue;
      const labels = lines.map((line) => plain(line).split(/ +/)[0]);
      for (const label of ["Omnispan", "health", "worker", "requests", "tokens", "window"]) {
        assert.ok(labels.includes(label), `${label} at ${size.columns}x${size.rows}`);
      }
    }
  }
});

Deno.test("80 by 24 shows everything", () => {
  assert.deepEqual(shown(stateOf(), { columns: 80, rows: 24 }), [
    "Omnispan micro_batch (of 8, window 20 ms)                 up 6 min 40 s  q quits",
    "health    ok: Requests are answered, and none failed in the last minute.",
    "worker    up   openvino smollm2-135m   running 6 of 8   waiting 0   KV 12 %",
    "          restarts 0",
    "requests  queue 6   in flight 15   in 11.0/s   out 11.0/s   failed 0 in 60 s",
    "tokens    448/s   ▂▂▃▄▆▇███▇▆▅▃▂▂▂▂▂▃▅▆▇███▇▅▄▃▂▂▂▂▂▄▅▆▇  peak 480/s in 5 min",
    "window    pays: 96 batches of 5.2 requests; a request waited 9.8 ms for others,",
    "          and 41 % of the batches left full.",
    "failures  resource_exhausted 12   worker_timeout 3",
    "",
    "last 30 s      p50      p95      p99",
    "TTFT       82.4 ms   141 ms   212 ms",
    "TPOT       12.1 ms  14.4 ms  19.9 ms",
    "E2E         812 ms   1.43 s        –",
    "",
    "batch  reason  size  fill      wait p50  wait max     late     ran     left",
    "  801  full     8/8  ████████   11.3 ms   20.0 ms  0.31 ms   0 s …  0 s ago",
    "  800  window   2/8  ██░░░░░░   18.8 ms   20.0 ms  0.31 ms  640 ms  1 s ago",
    "  799  window   1/8  █░░░░░░░   20.0 ms   20.0 ms  0.31 ms  640 ms  1 s ago",
    "",
    "request  tenant  phase       age   waited  tokens  done      mode",
    "req-0    bob     decode   2.00 s  12.5 ms  37/128  ██░░░░░░  micro_batch",
    "req-1    alice   prefill  1.85 s  12.5 ms   0/128  ░░░░░░░░  micro_batch",
    "req-2    bob     queued   1.70 s  12.5 ms   0/128  ░░░░░░░░  micro_batch",
  ]);
});

Deno.test("a list that is short leaves its rows to the other, and an empty one has no heading", () => {
  const few = shown(stateOf({ requests: [requestAt(1)] }), { columns: 80, rows: 24 });
  assert.equal(few.filter((line) => / (full|window) +\d\/8/.test(line)).length, 5);
  assert.match(few.at(-1) ?? "", /^req-1 /);
  const none = shown(stateOf({ requests: [] }), { columns: 80, rows: 24 });
  assert.ok(!none.some((line) => line.startsWith("request ")));
  assert.equal(none.filter((line) => / (full|window) +\d\/8/.test(line)).length, 8);
});

Deno.test("what is wrong is said, not only coloured", () => {
  const worker = {
    ...tickAt(400).worker,
    state: "down",
    detail: "the process ended with code 1",
    simulated: true,
  };
  const text = shown(
    stateOf({
      worker: { ...worker, state: "down", restarts: 2 },
      health: { state: "down", why: "No worker." },
      window: { ...tickAt(400).window, verdict: "off", why: "direct has no window." },
    }),
    { columns: 120, rows: 50 },
  ).join("\n");
  assert.match(text, /^health {4}down: No worker\.$/m);
  assert.match(
    text,
    /^worker {4}down {3}the process ended with code 1 {3}openvino smollm2-135m {3}simulated /m,
  );
  assert.match(text, /restarts 2/);
  assert.match(text, /^window {4}off: direct has no window\.$/m);
});

Deno.test("without a connection that stands above all, and old figures are faint", () => {
  const lines = topLines(lost(stateOf()), look({ columns: 80, rows: 24 }, 12_000));
  assert.equal(plain(lines[1] ?? []), "connection lost 12 s ago, trying again (Connection refused)");
  const inks = new Set(lines.flatMap((line) => line.map(({ ink }) => ink)));
  assert.deepEqual([...inks].sort(), ["alarm", "faint"]);
});

Deno.test("what clients and workers call themselves stays on its line, without control characters", () => {
  for (const size of SIZES) {
    for (const line of topLines(stateOf(HOSTILE), look(size))) {
      assert.doesNotMatch(plain(line), /[\p{Cc}\u202e]/u);
    }
  }
});

Deno.test("an engine that has just started shows what there is", () => {
  const hello = helloAt(1);
  const tick = { ...tickAt(0), batches: [], requests: [] };
  const state = after(undefined, { kind: "hello", hello: { ...hello, history: [], batches: [], tick } }, 0)!;
  const text = shown(state, { columns: 80, rows: 24 });
  assert.ok(
    text.some((line) => /^requests {2}queue 3 {3}in flight 8 {3}in 6\.0\/s/.test(line)),
    text.join("\n"),
  );
});

const NASTY = "a\x1b[2J\r\nb\u202e語語語".repeat(9);
const HOSTILE: Partial<LiveTick> = {
  requests: [requestAt(0, { requestId: NASTY, tenantId: NASTY, door: NASTY, mode: NASTY })],
  worker: { ...tickAt(400).worker, state: "down", detail: NASTY, backend: NASTY, model: NASTY },
  health: { state: "degraded", why: NASTY },
};

function stateOf(more: Partial<LiveTick> = {}): LiveState {
  return after(undefined, { kind: "hello", hello: helloAt(400, more) }, 0)!;
}

function lost(state: LiveState): LiveState {
  return after(state, { kind: "lost", why: "Connection refused" }, 0)!;
}

function look(size: { columns: number; rows: number }, at = 0): Look {
  return { ...size, url: "http://127.0.0.1:8080", hint: "q quits", at };
}

function shown(state: LiveState, size: { columns: number; rows: number }): string[] {
  return topLines(state, look(size)).map(plain);
}
