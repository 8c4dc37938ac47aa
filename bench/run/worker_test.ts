import assert from "node:assert/strict";
import { join } from "node:path";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { settingsIn, WORKER_SETTINGS } from "./worker.ts";

Deno.test("the settings that a run keeps are the worker's, and every one of vLLM's that shapes answers or times is kept", async () => {
  const config = await Deno.readTextFile(join(WORKER_FOLDER, "config.py"));
  const own = WORKER_SETTINGS.filter((name) => !name.endsWith("_NUM_THREADS"));
  assert.deepEqual(own.filter((name) => !config.includes(`"${name}"`)), []);
  const vllm = [...config.matchAll(/"(VLLM_[A-Z_]+)"/g)].map(([, name]) => name!);
  const kept = new Set<string>([...WORKER_SETTINGS, "VLLM_OTLP_TRACES_ENDPOINT", "VLLM_TRUST_REMOTE_CODE"]);
  assert.ok(vllm.length > 5);
  assert.deepEqual(vllm.filter((name) => !kept.has(name)), []);
});

Deno.test("nothing else of the environment is kept", () => {
  const env = new Map([["SIM_PROFILE", "a40"], ["VLLM_API_KEY", "secret"], ["WORKER_MAX_ROWS", ""]]);
  assert.deepEqual(settingsIn(env as unknown as Pick<Deno.Env, "get">), { SIM_PROFILE: "a40" });
});
