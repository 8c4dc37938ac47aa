/** The engine in front of real models: the built-in SmolLM2 on OpenVINO and on MLX, over real processes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { WORKER_FOLDER } from "../src/supervisor/plan.ts";
import { engineFor, type TestEngine } from "./support/engine.ts";
import { TestProcess } from "./support/process.ts";
import { testPython } from "./support/python.ts";

/** A first start may have to fetch and convert the model. */
const START_MS = 300_000;
const ANSWER_MS = 120_000;

/** The model mostly says "The capital of X is ..."; which city it names is its own affair. */
const COUNTRIES = ["France", "Italy", "Spain", "Germany", "Japan", "Portugal", "Austria", "Egypt"] as const;

async function realWorker(backend: "openvino" | "mlx"): Promise<TestProcess & { address: string }> {
  const worker = new TestProcess(await testPython(backend), {
    args: [join(WORKER_FOLDER, "worker.py")],
    env: { WORKER_BACKEND: backend, WORKER_PORT: "0", MODEL_ID: "smollm2-135m" },
  });
  const [, address] = await worker.waitFor(/^worker listening on (\S+)/, START_MS);
  return Object.assign(worker, { address: address! });
}

/** Asks about all countries at once under one request id: each answer must be the caller's own. */
async function askAll(engine: TestEngine) {
  const replies = await Promise.all(COUNTRIES.map((country) =>
    engine.submit(
      { requestId: "same for all", prompt: `What is the capital of ${country}?`, maxTokens: 24 },
      { deadline: Date.now() + ANSWER_MS },
    )
  ));
  let named = 0;
  for (const [i, { status, responseText, errorMessage }] of replies.entries()) {
    assert.match(status, /^ok/, errorMessage);
    const countries = COUNTRIES.filter((country) => responseText.includes(country));
    assert.ok(
      countries.every((country) => country === COUNTRIES[i]),
      `about ${COUNTRIES[i]}: ${responseText}`,
    );
    named += countries.length;
  }
  assert.ok(named >= COUNTRIES.length - 2, `only ${named} answers name their country`);
  return replies;
}

for (const backend of ["openvino", "mlx"] as const) {
  Deno.test({
    name: `SmolLM2 on ${backend} answers in every mode, and a batch runs as one batch`,
    // grpc-js keeps timers and sockets for a moment after a close.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using worker = await realWorker(backend);
      for (const mode of ["direct", "queued", "micro_batch"] as const) {
        const settings = { ENGINE_MODE: mode, MAX_BATCH_SIZE: COUNTRIES.length, BATCH_WINDOW_MS: 2000 };
        await using engine = await engineFor(worker.address, {
          ...settings,
          WORKER_RPC_TIMEOUT_MS: ANSWER_MS,
        });
        await engine.connected();
        const replies = await askAll(engine);
        for (const { inputTokens, outputTokens, ttftMs, tpotMs, workerLatencyMs } of replies) {
          assert.ok(inputTokens > 5 && outputTokens > 2 && outputTokens <= 24);
          assert.ok(ttftMs > 0 && tpotMs > 0 && ttftMs < workerLatencyMs);
        }
        const sizes = new Set(replies.map(({ dispatch }) => dispatch?.size));
        assert.deepEqual([...sizes], [mode === "micro_batch" ? COUNTRIES.length : 1]);
      }
    },
  });
}
