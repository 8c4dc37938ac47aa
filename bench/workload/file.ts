import type { Millis } from "../../src/types.ts";
import type { Load, RequestMix, Slo, Variant } from "../plan.ts";

/** What a workload file says of a run; what it leaves out is up to flags and defaults. */
export interface WorkloadFile {
  readonly seed?: number;
  readonly rounds?: number;
  readonly requests?: number;
  readonly durationMs?: Millis;
  readonly stream?: boolean;
  readonly timeoutMs?: Millis;
  readonly slo?: Slo;
  readonly mix?: RequestMix;
  readonly loads?: readonly Load[];
  readonly variants?: readonly Variant[];
}

/** Reads a workload file, YAML or JSON. @throws {StartupError} with a line `FILE:LINE: ...` for each problem */
export function readWorkloadFile(path: string): Promise<WorkloadFile> {
  return Promise.reject(new Error(`not there yet: ${path}`));
}
