/** A pause of known length must show in the percentiles as its arithmetic says: nothing may be omitted in coordination. */
import assert from "node:assert/strict";
import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/types.ts";
import type { Distribution } from "../../bench/metrics/cell_summary.ts";
import { pause } from "../support/wait.ts";
import { GRPC_TEST, LabOfKnownTimes } from "./lab_of_known_times.ts";

const RATE = 50;
const RUN_MS = 5_000;
const STALL_MS = 1_000;
const STALL_AFTER_MS = 2_000;

Deno.test({
  ...GRPC_TEST,
  name:
    "an engine that stands still for a second shows in an open loop's percentiles, and hides from a closed loop's",
  async fn() {
    await using lab = await start();
    let stalledMs = 0;
    const stall = async () => {
      stalledMs = await standStill(lab.engine.pid);
    };
    const open = await lab.open({ kind: "constant", rate: RATE }, RUN_MS, stall);
    checkStall(open.summary.e2eMs, stalledMs);
    assert.ok(Math.max(...open.samples.map((s) => s.endedAt - s.intendedAt)) > stalledMs - 2 * GAP_MS);

    // A lone client asks nothing while it waits, so one request alone meets the pause: of some hundreds no percentile
    // tells. That is the figure which a loop gets by asking late and counting from there.
    const [closed] = await Promise.all([lab.closed(1, { durationMs: RUN_MS }), stall()]);
    const { sendToEndMs } = closed.summary;
    assert.ok(Math.max(...closed.samples.map((s) => s.endedAt - s.sentAt)) > stalledMs - 2 * GAP_MS);
    assert.ok(sendToEndMs.p99.value < stalledMs / 4, `a closed loop's p99 is ${sendToEndMs.p99.value} ms`);
    assert.throws(() => checkStall(sendToEndMs, stalledMs), "and the check of the open loop must refuse it");
  },
});

Deno.test({
  ...GRPC_TEST,
  name:
    "a generator that stands still itself counts from the intended instants, says so, and its run is not valid",
  async fn() {
    await using lab = await start();
    const stall = async () => {
      await pause(STALL_AFTER_MS);
      for (const until = now() + STALL_MS; now() < until;);
    };
    const { summary } = await lab.open({ kind: "constant", rate: RATE }, RUN_MS, stall);
    checkStall(summary.e2eMs, STALL_MS);
    checkStall(summary.latenessMs, STALL_MS);
    assert.ok(summary.verdict.findings.some(({ kind }) => kind === "generator_late"));
    assert.equal(summary.verdict.valid, false);
    assert.throws(
      () => checkStall(summary.sendToEndMs, STALL_MS),
      "counted from the sending, the pause must hide",
    );
  },
});

const GAP_MS = 1000 / RATE;

/** The base latency, what comes at once after the stall, and the granularity of one request. */
const TOLERANCE_MS = 150;
/** A fifth of the requests meet the stall. */
const MEAN_TOLERANCE_MS = 60;

function start(): Promise<LabOfKnownTimes> {
  const output = { kind: "fixed", tokens: 1 } as const;
  return LabOfKnownTimes.start({ profile: { stepMs: 5 }, mode: "direct", output });
}

/**
 * Requests that come evenly over T while nothing goes for D are late by D, D - gap, ... 0: of all requests, the share q
 * is later than D - q T, so the percentile p is D - (1 - p / 100) T, as long as that is above 0; and the mean is later
 * by D^2 / 2T.
 */
function checkStall({ p90, p95, p99, mean }: Distribution, stalledMs: Millis): void {
  for (const [percent, { value }] of [[90, p90], [95, p95], [99, p99]] as const) {
    const expected = stalledMs - (1 - percent / 100) * RUN_MS;
    assert.ok(
      Math.abs(value - expected) < TOLERANCE_MS,
      `p${percent} is ${value} ms, the pause makes it ${expected} ms`,
    );
  }
  const expected = stalledMs ** 2 / (2 * RUN_MS);
  assert.ok(
    Math.abs(mean.value - expected) < MEAN_TOLERANCE_MS,
    `mean ${mean.value} ms, the pause makes it ${expected} ms`,
  );
}

/** Stops a process for a while; returns for how long. */
async function standStill(pid: number): Promise<Millis> {
  await pause(STALL_AFTER_MS);
  Deno.kill(pid, "SIGSTOP");
  const stoppedAt = now();
  await pause(STALL_MS);
  Deno.kill(pid, "SIGCONT");
  return now() - stoppedAt;
}
