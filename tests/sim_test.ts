/** Every mode over real gRPC with the simulated worker: a real Python process, and answers that show whose they are. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { WORKER_FOLDER } from "../src/supervisor/plan.ts";
import { MODES } from "../src/core/modes/modes.ts";
import { engineFor } from "./support/engine.ts";
import { TestProcess } from "./support/process.ts";
import { testPython } from "./support/python.ts";

const CLIENTS = 64;
const ROUNDS = 5;
const SIZE = 16;

Deno.test({
  name: "in every mode 64 clients with one request id each get their own answers from the simulated worker",
  // grpc-js keeps timers and sockets for a moment after a close.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using worker = new TestProcess(await testPython("dev"), {
      args: [join(WORKER_FOLDER, "worker.py")],
      env: { WORKER_BACKEND: "sim", SIM_PROFILE: "null", WORKER_PORT: "0" },
    });
    const [, address] = await worker.waitFor(/^worker listening on (\S+) .* simulated$/, 60_000);
    const answers = new Map<string, string>();
    for (const mode of MODES) {
      const settings = { ENGINE_MODE: mode, MAX_BATCH_SIZE: SIZE, BATCHES_IN_FLIGHT: 2 };
      await using engine = await engineFor(address!, settings);
      await engine.connected();
      const sizes = new Set<number>();
      await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
        for (let round = 0; round < ROUNDS; round++) {
          const prompt = `client ${client} round ${round}`;
          const reply = await engine.submit({ requestId: "same for all", prompt, maxTokens: 6 });
          assert.match(reply.status, /^ok/);
          assert.equal(reply.outputTokens, 6);
          const known = answers.get(prompt) ?? reply.responseText;
          assert.equal(reply.responseText, known, "the same prompt has the same answer in every mode");
          answers.set(prompt, known);
          sizes.add(reply.dispatch!.size);
        }
      }));
      // continuous lets all that wait for a place go together
      if (mode !== "continuous") assert.equal(Math.max(...sizes), mode === "micro_batch" ? SIZE : 1);
      await engine.settled();
    }
    assert.equal(new Set(answers.values()).size, CLIENTS * ROUNDS, "no two prompts have the same answer");
  },
});
