import assert from "node:assert/strict";
import { StartupError } from "../src/errors.ts";
import { helpText, limitsOf, parseCommand, type RunOptions } from "./options.ts";

Deno.test("without arguments all modes run at a few concurrencies, with batches that pay", () => {
  const { modes, concurrency, engine, target } = run([]);
  assert.deepEqual(modes, ["direct", "queued", "micro_batch", "continuous"]);
  assert.deepEqual(concurrency, [1, 8, 32]);
  assert.equal(target, undefined);
  assert.deepEqual([engine.settings.MAX_BATCH_SIZE, engine.settings.BATCH_WINDOW_MS], [32, 20]);
  assert.ok(!engine.given.has("WORKER_ENDPOINT"));
});

Deno.test("the engine's own variables and flags go before the bench's defaults, flags first", () => {
  const env = { MAX_BATCH_SIZE: "8", BATCH_WINDOW_MS: "5", QUEUE_CAPACITY: "", ENGINE_MODE: "nonsense" };
  const { settings } = run(["--batch-window-ms", "7", "--queued-concurrency=2"], env).engine;
  assert.equal(settings.MAX_BATCH_SIZE, 8);
  assert.equal(settings.BATCH_WINDOW_MS, 7);
  assert.equal(settings.QUEUED_CONCURRENCY, 2);
  assert.equal(settings.QUEUE_CAPACITY, 1024);
});

Deno.test("lists keep their order and lose doubles", () => {
  assert.deepEqual(run(["--modes", "queued, direct"]).modes, ["queued", "direct"]);
  assert.deepEqual(run(["--concurrency=64,1,64"]).concurrency, [64, 1]);
});

Deno.test("a wrong flag is one line with its name, the rule and the value, and all are told at once", () => {
  assert.deepEqual(problems(["--requests", "0", "--modes=direct,fast", "--max-batch-size", "none"]), [
    '--requests must be a whole number from 1 to 10000000, got "0"',
    '--modes must be one or more of direct, queued, micro_batch, continuous, separated by commas, got "direct,fast"',
    'MAX_BATCH_SIZE must be a whole number from 1 to 1024, got "none"',
  ]);
  assert.deepEqual(problems(["--target", "localhost"]), ['--target must be HOST:PORT, got "localhost"']);
  assert.deepEqual(problems(["--seed"]), ['--seed must be a whole number from 0 to 2147483647, got ""']);
});

Deno.test("what the bench can't take is refused by name", () => {
  assert.match(problems(["--speed", "9"]).join(), /^--speed is no flag of bench; bench --help lists them/);
  assert.match(problems(["--engine-mode=queued"]).join(), /^--engine-mode is not for bench: use --modes$/);
  assert.match(problems(["results"]).join(), /got "results"$/);
  assert.match(problems(["report"]).join(), /^report must be given one folder/);
});

Deno.test("with --target, flags that shape an engine are refused", () => {
  assert.deepEqual(problems(["--target", "127.0.0.1:50061", "--max-batch-size", "8"]), [
    "--max-batch-size must be left out with --target, which measures an engine as it is",
  ]);
  assert.equal(run(["--target", "[::1]:50061", "--requests", "9"]).target, "[::1]:50061");
});

Deno.test("a level ends after requests, time, or the default of both", () => {
  const limits = (args: string[], concurrency: number) => limitsOf(run(args), concurrency);
  assert.deepEqual(limits([], 1), { requests: 16, durationMs: 30_000 });
  assert.deepEqual(limits([], 32), { requests: 96, durationMs: 30_000 });
  assert.deepEqual(limits(["--requests", "5"], 32), { requests: 5, durationMs: Infinity });
  assert.deepEqual(limits(["--duration", "9"], 32), { requests: Infinity, durationMs: 9000 });
  assert.deepEqual(limits(["--duration", "9", "--requests", "5"], 1), { requests: 5, durationMs: 9000 });
});

Deno.test("help names every flag and wins over everything else", () => {
  assert.deepEqual(parseCommand(["--requests", "0", "--help"], {}), { kind: "help" });
  for (
    const flag of ["modes", "concurrency", "requests", "duration", "max-tokens", "seed", "target", "out"]
  ) {
    assert.match(helpText(), new RegExp(`\n  --${flag}[ \n]`));
  }
});

function run(args: string[], env: Record<string, string> = {}): RunOptions {
  const command = parseCommand(args, env);
  assert.equal(command.kind, "run");
  return (command as { options: RunOptions }).options;
}

function problems(args: string[]): readonly string[] {
  try {
    parseCommand(args, {});
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.problems;
    throw thrown;
  }
  throw new assert.AssertionError({ message: `${args.join(" ")} must be refused` });
}
