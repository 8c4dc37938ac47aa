import assert from "node:assert/strict";
import { APIError } from "openai";
import type { Settings } from "../../src/config/config.ts";
import { httpEngineFor, type TestEngine } from "./engine.ts";
import { SimWorker } from "./sim_worker.ts";

/** An engine with its HTTP port open, and the simulated worker behind it. */
export interface Site {
  readonly worker: SimWorker;
  readonly engine: TestEngine;
}

/** So many tokens that an answer of the profile fixed20 ends in no test. */
export const LONG = 4000;

/** A test with such an engine of its own; `profile` is the worker's. */
export function siteTest(
  name: string,
  options: Partial<Settings> & { readonly profile?: string },
  fn: (site: Site) => Promise<void>,
): void {
  Deno.test({
    name,
    // grpc-js keeps timers and sockets for a moment after a close.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const { profile = "null", ...changes } = options;
      await using worker = await SimWorker.start({ profile });
      await using engine = await httpEngineFor(worker.address, { MAX_TOKENS_LIMIT: LONG, ...changes });
      await engine.connected();
      await fn({ worker, engine });
    },
  });
}

/** The error that a call of OpenAI's client must end with. */
export async function failure(promise: Promise<unknown>): Promise<APIError> {
  try {
    await promise;
  } catch (thrown) {
    assert.ok(thrown instanceof APIError, String(thrown));
    return thrown;
  }
  throw new Error("it was answered");
}
