import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import type { RunPlan } from "../plan.ts";
import { planOf as filePlan } from "../../tests/support/bench/environment.ts";
import type { WorkloadFile } from "../workload/file.ts";
import { type Command, parseCommand } from "./command.ts";
import { planOf } from "./plan_of.ts";

Deno.test("without flags every mode is measured under three closed loops, in rounds", () => {
  const { variants, loads, rounds, requests, durationMs, mix, slo } = plan([]);
  assert.deepEqual(variants.map(({ name }) => name), ["direct", "queued", "micro_batch", "continuous"]);
  assert.deepEqual(loads.map(({ name }) => name), ["1 client", "8 clients", "32 clients"]);
  assert.deepEqual([rounds, requests, durationMs], [3, null, null]);
  assert.deepEqual(mix.classes[0]?.prompt, { kind: "natural" });
  assert.deepEqual(slo, {});
});

Deno.test("varied settings make every combination in the modes that they shape, and none twice", () => {
  const vary = [
    "--vary=BATCH_WINDOW_MS=0,20",
    "--vary=MAX_BATCH_SIZE=4,8,16",
    "--vary=QUEUED_CONCURRENCY=2,4",
  ];
  const names = plan(["--modes=direct,queued,micro_batch", ...vary]).variants.map(({ name }) => name);
  assert.equal(names.length, 1 + 2 + 6);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.includes("direct"));
  assert.ok(names.includes("queued QUEUED_CONCURRENCY=4"));
  assert.ok(names.includes("micro_batch BATCH_WINDOW_MS=20 MAX_BATCH_SIZE=8"));
});

Deno.test("a setting that shapes no one mode is varied in all", () => {
  const { variants } = plan(["--modes=direct,queued", "--vary=QUEUE_CAPACITY=8,16"]);
  assert.equal(variants.length, 4);
});

Deno.test("a variant gives its mode and its settings", () => {
  const { variants } = plan([
    "--variant=micro_batch,BATCH_WINDOW_MS=5,BATCH_WHEN_IDLE=1",
    "--variant",
    "direct",
  ]);
  assert.deepEqual(variants[0]?.settings, { BATCH_WINDOW_MS: 5, BATCH_WHEN_IDLE: true });
  assert.deepEqual(variants.map(({ mode }) => mode), ["micro_batch", "direct"]);
});

Deno.test("rates make open loops, beside closed ones only where those are asked for too", () => {
  const kinds = (args: string[]) => plan(args).loads.map(({ name }) => name);
  assert.deepEqual(kinds(["--rate=4,8.5"]), ["4/s poisson", "8.5/s poisson"]);
  assert.deepEqual(kinds(["--rate=4", "--concurrency=2"]), ["2 clients", "4/s poisson"]);
  assert.deepEqual(kinds(["--rate=4", "--arrivals=gamma:2"]), ["4/s gamma cv 2"]);
  assert.match(kinds(["--trace=azure_conv_2023_excerpt", "--speed=2"])[0]!, /azure_conv_2023_excerpt x2$/);
});

Deno.test("flags go before the workload file, and the file before the defaults", () => {
  const file: WorkloadFile = {
    ...{ seed: 9, rounds: 5, requests: 70, duration: 4, stream: false, timeout: 7 },
    variants: filePlan().variants,
    loads: filePlan().loads,
    mix: filePlan().mix,
  };
  const fromFile = plan([], file);
  assert.deepEqual(
    [
      fromFile.seed,
      fromFile.rounds,
      fromFile.requests,
      fromFile.durationMs,
      fromFile.stream,
      fromFile.timeoutMs,
    ],
    [9, 5, 70, 4000, false, 7000],
  );
  assert.deepEqual(fromFile.variants.map(({ name }) => name), ["direct"]);
  const asked = ["--seed=2", "--rounds=1", "--duration=9", "--modes=queued", "--concurrency=3", "--stream=1"];
  const fromFlags = plan(asked, file);
  assert.deepEqual(
    [fromFlags.seed, fromFlags.rounds, fromFlags.requests, fromFlags.durationMs, fromFlags.stream],
    [2, 1, 70, 9000, true],
  );
  assert.deepEqual(fromFlags.variants.map(({ name }) => name), ["queued"]);
  assert.deepEqual(fromFlags.loads.map(({ name }) => name), ["3 clients"]);
});

Deno.test("a target is measured as one variant, as it is", () => {
  const { variants } = plan(["--target=127.0.0.1:5000"]);
  assert.deepEqual(variants, [{ name: "127.0.0.1:5000", mode: null, settings: {} }]);
});

Deno.test("what can't be is told with its name, all at once", () => {
  assert.match(
    problems(["--vary=BATCH_WINDOW=1"]).join(),
    /^a variant must change settings of the engine .* got "BATCH_WINDOW"$/,
  );
  assert.match(
    problems(["--variant=fast"]).join(),
    /^a variant must begin with one of direct, .* got "fast"$/,
  );
  assert.match(
    problems(["--vary=BATCH_WINDOW_MS=-1"]).join(),
    /^BATCH_WINDOW_MS must be a whole number from 0/,
  );
  assert.match(problems(["--variant=direct,ENGINE_MODE=queued"]).join(), /got "ENGINE_MODE"$/);
  assert.deepEqual(problems(["--slo=ttft", "--variant=fast"]).length, 2);
  assert.match(
    problems([
      "--modes=micro_batch",
      `--vary=MAX_BATCH_SIZE=${range(9)}`,
      `--vary=BATCH_WINDOW_MS=${range(9)}`,
    ]).join(),
    /^--vary must make at most 64 variants, got 81$/,
  );
  assert.match(
    problems(["--max-tokens=4"], { mix: filePlan().mix }).join(),
    /^--max-tokens must be left out with a workload file/,
  );
  assert.match(
    problems(["--target=127.0.0.1:5000"], { variants: filePlan().variants }).join(),
    /^--target must be left out with a workload file that has variants/,
  );
  assert.match(
    problems(["--variant=direct,DEFAULT_MAX_TOKENS=9000"]).join(),
    /^direct DEFAULT_MAX_TOKENS=9000: DEFAULT_MAX_TOKENS must be at most MAX_TOKENS_LIMIT \(4096\), got "9000"$/,
  );
});

Deno.test("a flag that would change nothing is refused", () => {
  assert.deepEqual(problems(["--arrivals=gamma:2", "--concurrency=4"]), [
    "--arrivals must come with --rate, got none",
  ]);
  assert.deepEqual(problems(["--speed=2"]), ["--speed must come with --trace, got none"]);
  assert.deepEqual(problems(["--modes=direct", "--variant=queued"]), [
    "--modes must be left out with --variant, which names its mode",
  ]);
  assert.deepEqual(problems(["--modes=direct,queued", "--vary=BATCH_WINDOW_MS=0,9"]), [
    '--vary must name a setting that shapes a measured mode (direct, queued), got "BATCH_WINDOW_MS"',
  ]);
  plan(["saturate", "--arrivals=gamma:2"]); // its rates are its own
});

function range(count: number): string {
  return Array.from({ length: count }, (_, index) => index + 1).join(",");
}

function plan(args: string[], file: WorkloadFile = {}): RunPlan {
  const command = parseCommand(args, {});
  assert.ok(!("help" in command));
  return planOf(command as Command, file);
}

function problems(args: string[], file: WorkloadFile = {}): readonly string[] {
  try {
    plan(args, file);
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.problems;
    throw thrown;
  }
  throw new assert.AssertionError({ message: `${args.join(" ")} must be refused` });
}
