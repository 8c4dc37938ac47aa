import type { RunPlan } from "../../../bench/plan.ts";
import type { RunEnvironment } from "../../../bench/record/environment.ts";

/** An environment for tests, with what a test says about it. */
export function environmentOf(told: Partial<RunEnvironment> = {}): RunEnvironment {
  return {
    startedAt: "2026-01-31T12:00:00.000Z",
    machine: {
      os: "Linux 6",
      arch: "x86_64",
      cpu: "Test CPU",
      cores: 2,
      memoryBytes: 24 * 2 ** 30,
      loadAverage: 0,
    },
    versions: { deno: "2.9.3", v8: "14", typescript: "6" },
    git: null,
    command: ["bench"],
    engine: null,
    target: "127.0.0.1:50061",
    worker: null,
    plan: planOf(),
    traces: {},
    connections: 4,
    ...told,
  };
}

/** One variant under one closed-loop client, with what a test says about it. */
export function planOf(told: Partial<RunPlan> = {}): RunPlan {
  return {
    variants: [{ name: "direct", mode: "direct", settings: {} }],
    loads: [{ kind: "closed", name: "1 client", concurrency: 1 }],
    mix: {
      classes: [{
        name: "default",
        weight: 1,
        prompt: { kind: "natural" },
        output: { kind: "fixed", tokens: 48 },
        exactOutput: false,
        tenants: [{ name: "bench", weight: 1 }],
      }],
    },
    seed: 1,
    rounds: 1,
    requests: null,
    durationMs: null,
    stream: true,
    timeoutMs: 120_000,
    slo: {},
    ...told,
  };
}
