import type { WorkerGenerateRequest__Output } from "../../src/grpc/generated/omnispan/WorkerGenerateRequest.ts";

/** What a scripted worker tells of the calls it sees. */
export interface Reported {
  readonly kind: "generate" | "batch" | "stream" | "submit" | "cancelled" | "session";
  readonly requests: readonly Omit<WorkerGenerateRequest__Output, "prompt">[];
}

/** One line of JSON on stdout. */
export function report(
  kind: Reported["kind"],
  requests: readonly WorkerGenerateRequest__Output[] = [],
): void {
  const line = { kind, requests: requests.map(({ prompt: _, ...rest }) => rest) } satisfies Reported;
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(line) + "\n"));
}
