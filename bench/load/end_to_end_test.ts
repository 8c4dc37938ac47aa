/** The loops and the gRPC way against a real engine with the simulated worker. */
import assert from "node:assert/strict";
import type { Sample } from "../record/sample.ts";
import { engineFor } from "../../tests/support/engine.ts";
import { SimWorker } from "../../tests/support/sim_worker.ts";
import { EngineLoad } from "./engine_load.ts";
import { runClosedLoop, runOpenLoop } from "./loops.ts";
import { countTokens } from "./stream.ts";
import { requests, scheduleAt, turnOf } from "../../tests/support/bench/turn.ts";

const TIMEOUT_MS = 10_000;

Deno.test("what a real engine answers, in one piece and streamed, becomes samples with times that fit together", async () => {
  await using worker = await SimWorker.start({ profile: { stepMs: 2 } });
  await using engine = await engineFor(worker.address, { ENGINE_MODE: "continuous" });
  using load = new EngineLoad(engine.engine.address, TIMEOUT_MS);

  const whole = turnOf(sendOver(load, false));
  await runOpenLoop({ ...whole.turn, schedule: scheduleAt([0, 1, 2, 30]) });
  whole.samples.forEach(checkSuccess);
  assert.ok(whole.samples.length === 4 && whole.samples.every(({ arrivals }) => arrivals === null));

  const streamed = turnOf(sendOver(load, true));
  const asked = { requests: requests(), concurrency: 2, limit: 5, durationMs: Infinity };
  await runClosedLoop({ ...streamed.turn, ...asked });
  assert.equal(streamed.samples.length, 5);
  for (const sample of streamed.samples) {
    checkSuccess(sample);
    const { arrivals, firstTextMs, sentAt, endedAt, outputTokens } = sample;
    assert.equal(countTokens(arrivals!), outputTokens);
    assert.ok(arrivals!.length > 1, "tokens of steps of 2 ms come in several chunks");
    assert.ok(firstTextMs !== null && firstTextMs >= arrivals![0]![0]);
    assert.ok(arrivals!.at(-1)![0] <= endedAt - sentAt);
  }
});

Deno.test("a deadline that passes is a failure, a stop an interruption", async () => {
  await using worker = await SimWorker.start({ profile: { stepMs: 1000 } });
  await using engine = await engineFor(worker.address, { ENGINE_MODE: "direct" });

  using hasty = new EngineLoad(engine.engine.address, 100);
  const late = turnOf(sendOver(hasty, true));
  await runOpenLoop({ ...late.turn, schedule: scheduleAt([0, 5]) });
  assert.deepEqual(late.samples.map(({ outcome, status }) => [outcome, status]), [
    ["failed", "DEADLINE_EXCEEDED"],
    ["failed", "DEADLINE_EXCEEDED"],
  ]);

  using load = new EngineLoad(engine.engine.address, TIMEOUT_MS);
  for (const stream of [false, true]) {
    const stop = new AbortController();
    const send = sendOver(load, stream);
    const stopped = turnOf((request, signal, id) => {
      if (request.index === 1) setTimeout(() => stop.abort(), 100);
      return send(request, signal, id);
    }, stop.signal);
    const startedAt = performance.now();
    await runOpenLoop({ ...stopped.turn, schedule: scheduleAt([0, 5, 120_000]) });
    assert.deepEqual(stopped.samples.map(({ outcome }) => outcome), ["interrupted", "interrupted"]);
    assert.ok(performance.now() - startedAt < 60_000, "the instant that is left is not waited for");
  }
});

function sendOver(load: EngineLoad, stream: boolean) {
  const transport = load.transport(stream);
  return transport.send.bind(transport);
}

function checkSuccess({ outcome, status, outputTokens, simulated, timing, ...sample }: Sample): void {
  assert.equal(outcome, "ok", `${status}: ${sample.errorMessage}`);
  assert.deepEqual([outputTokens, simulated, sample.dispatch?.attempts], [4, true, 1]);
  const ledger = Object.values(timing!).reduce((sum, ms) => sum + ms, 0);
  assert.ok(Math.abs(ledger - sample.engineMs) < 0.01, "the ledger is the engine's time");
  assert.ok(sample.engineMs <= sample.endedAt - sample.sentAt, "and a part of what the client saw");
}
