import type { RunEnvironment } from "./environment.ts";

/** An environment for tests, with what a test says about it. */
export function environmentOf(told: Partial<RunEnvironment>): RunEnvironment {
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
    engine: null,
    target: "127.0.0.1:50061",
    worker: null,
    workload: { seed: 1, maxTokens: 48 },
    load: { kind: "closed loop", connections: 4, timeoutMs: 120_000, streamed: true, levels: [] },
    ...told,
  };
}
