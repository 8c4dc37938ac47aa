import assert from "node:assert/strict";
import { basename } from "node:path";
import { parseSettings } from "../config/parse.ts";
import { planWorker, type Platform } from "./plan.ts";

const LINUX: Platform = { os: "linux", arch: "x86_64" };
const MAC: Platform = { os: "darwin", arch: "aarch64" };

function plan(env: Record<string, string>, platform = LINUX) {
  const { settings, given } = parseSettings([], env);
  return planWorker(settings, given, platform);
}

Deno.test("each machine's own backend has the environment of the plain name", () => {
  for (const [platform, backend] of [[LINUX, "openvino"], [MAC, "mlx"]] as const) {
    const { environment, ...plan_ } = plan({}, platform);
    assert.equal(plan_.backend, backend);
    assert.equal(basename(environment.folder), ".venv");
  }
  assert.equal(basename(plan({ WORKER_BACKEND: "mlx" }).environment.folder), ".venv-mlx");
  assert.equal(basename(plan({ WORKER_BACKEND: "openvino" }, MAC).environment.folder), ".venv-openvino");
});

Deno.test("the built-in model comes in the form that the backend reads; other models are the worker's affair", () => {
  assert.equal(plan({}).builtInFormat, "gguf");
  assert.equal(plan({ WORKER_BACKEND: "mlx" }).builtInFormat, "hf");
  assert.equal(plan({ WORKER_BACKEND: "vllm" }).builtInFormat, "hf-bf16");
  assert.equal(plan({ WORKER_BACKEND: "sim" }).builtInFormat, undefined);
  assert.equal(plan({ MODEL_ID: "some/model" }).builtInFormat, undefined);
});

Deno.test("the worker's variables name where to listen and what to run", () => {
  const { env } = plan({ WORKER_ENDPOINT: "http://127.0.0.1:12345", MODEL_ID: "some/model" });
  assert.equal(env["WORKER_BACKEND"], "openvino");
  assert.equal(env["WORKER_HOST"], "127.0.0.1");
  assert.equal(env["WORKER_PORT"], "12345");
  assert.equal(env["MODEL_ID"], "some/model");
  assert.equal(env["WORKER_EXIT_ON_STDIN_CLOSE"], "1");
});

Deno.test("the simulated worker shows its profile unless a model is given", () => {
  assert.equal(plan({ WORKER_BACKEND: "sim" }).env["MODEL_ID"], "");
  assert.equal(plan({ WORKER_BACKEND: "sim", MODEL_ID: "x" }).env["MODEL_ID"], "x");
});

Deno.test("a worker that we speak to without TLS serves none, whatever our environment holds", () => {
  assert.equal(plan({}).env["WORKER_TLS_CERT"], "");
  assert.equal("WORKER_TLS_CERT" in plan({ WORKER_ENDPOINT: "https://127.0.0.1:12345" }).env, false);
});
