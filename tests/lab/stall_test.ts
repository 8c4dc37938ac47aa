/** A pause of known length must show in the percentiles as its arithmetic says: nothing may be omitted in coordination. */
import assert from "node:assert/strict";
import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import type { Distribution } from "../../bench/metrics/cell_summary.ts";
import type { Sample } from "../../bench/record/sample.ts";
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
    checkStall(open.summary.e2eMs, stalledMs, longestBeside(open.samples, (s) => s.endedAt - s.intendedAt));
    assert.ok(Math.max(...open.samples.map((s) => s.endedAt - s.intendedAt)) > stalledMs - 2 * GAP_MS);

    // A lone client asks nothing while it waits, so one request alone meets the pause: of some hundreds no percentile
    // tells (the 99th would where a busy machine leaves only a hundred). That is the figure which a loop gets by asking
    // late and counting from there.
    const [closed] = await Promise.all([lab.closed(1, { durationMs: RUN_MS }), stall()]);
    const { sendToEndMs } = closed.summary;
    assert.ok(Math.max(...closed.samples.map((s) => s.endedAt - s.sentAt)) > stalledMs - 2 * GAP_MS);
    assert.ok(sendToEndMs.p95.value < stalledMs / 2, `a closed loop's p95 is ${sendToEndMs.p95.value} ms`);
    assert.throws(
      () => checkStall(sendToEndMs, stalledMs, 0),
      "and the check of the open loop must refuse it",
    );
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
    const { summary, samples } = await lab.open({ kind: "constant", rate: RATE }, RUN_MS, stall);
    checkStall(summary.e2eMs, STALL_MS, longestBeside(samples, (s) => s.endedAt - s.intendedAt));
    checkStall(summary.latenessMs, STALL_MS, longestBeside(samples, (s) => s.sentAt - s.intendedAt));
    assert.ok(summary.verdict.findings.some(({ kind }) => kind === "generator_late"));
    assert.equal(summary.verdict.valid, false);
    assert.throws(
      () => checkStall(summary.sendToEndMs, STALL_MS, 0),
      "counted from the sending, the pause must hide",
    );
  },
});

const GAP_MS = 1000 / RATE;

/** What comes at once after the stall, and the granularity of one request. */
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
 * by D^2 / 2T. `busyMs` is what the machine may add to each.
 */
function checkStall({ p90, p95, p99, mean }: Distribution, stalledMs: Millis, busyMs: Millis): void {
  for (const [percent, { value }] of [[90, p90], [95, p95], [99, p99]] as const) {
    const expected = stalledMs - (1 - percent / 100) * RUN_MS;
    assert.ok(
      value > expected - TOLERANCE_MS && value < expected + TOLERANCE_MS + busyMs,
      `p${percent} is ${value} ms, the pause makes it ${expected} ms`,
    );
  }
  const expected = stalledMs ** 2 / (2 * RUN_MS);
  assert.ok(
    mean.value > expected - MEAN_TOLERANCE_MS && mean.value < expected + MEAN_TOLERANCE_MS + busyMs,
    `mean ${mean.value} ms, the pause makes it ${expected} ms`,
  );
}

/** The longest time among the requests that the stall did not meet: what the machine itself takes. */
function longestBeside(samples: readonly Sample[], time: (sample: Sample) => Millis): Millis {
  const begin = samples[0]!.intendedAt + STALL_AFTER_MS;
  const met = (sample: Sample) => sample.endedAt > begin && sample.intendedAt < begin + 2 * STALL_MS;
  return Math.max(...samples.filter((sample) => !met(sample)).map(time));
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
