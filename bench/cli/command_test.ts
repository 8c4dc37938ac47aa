import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import { type Command, helpText, parseCommand } from "./command.ts";
import { type CommandName, COMMANDS, commandSpec } from "./commands.ts";
import { FLAGS } from "./flags.ts";

Deno.test("without a command it runs, with batches that pay", () => {
  const { name, values, engine, given } = parsed([]);
  assert.equal(name, "run");
  assert.deepEqual(values.concurrency, [1, 8, 32]);
  assert.equal(given.size, 0);
  assert.deepEqual([engine.settings.MAX_BATCH_SIZE, engine.settings.BATCH_WINDOW_MS], [32, 20]);
  assert.ok(!engine.given.has("WORKER_ENDPOINT"));
});

Deno.test("the engine's own variables and flags go before the bench's defaults, flags first", () => {
  const env = { MAX_BATCH_SIZE: "8", BATCH_WINDOW_MS: "5", QUEUE_CAPACITY: "", ENGINE_MODE: "nonsense" };
  const { settings } = parsed(["run", "--batch-window-ms", "7", "--queued-concurrency=2"], env).engine;
  assert.equal(settings.MAX_BATCH_SIZE, 8);
  assert.equal(settings.BATCH_WINDOW_MS, 7);
  assert.equal(settings.QUEUED_CONCURRENCY, 2);
  assert.equal(settings.QUEUE_CAPACITY, 1024);
});

Deno.test("lists keep their order and lose doubles; flags that repeat are collected; times have units", () => {
  const { values } = parsed([
    "--modes",
    "queued, direct",
    "--concurrency=64,1,64",
    "--vary=MAX_BATCH_SIZE=4,8",
    "--vary",
    "BATCH_WINDOW_MS=0",
    "--duration=1.5m",
    "--rate=0.5,20",
  ]);
  assert.deepEqual(values.modes, ["queued", "direct"]);
  assert.deepEqual(values.concurrency, [64, 1]);
  assert.deepEqual(values.vary, ["MAX_BATCH_SIZE=4,8", "BATCH_WINDOW_MS=0"]);
  assert.equal(values.duration, 90);
  assert.deepEqual(values.rate, [0.5, 20]);
});

Deno.test("a flag that says yes or no needs no value", () => {
  assert.equal(parsed(["--dialects", "--concurrency=3"]).values.dialects, true);
  assert.deepEqual(parsed(["--dialects", "--concurrency=3"]).values.concurrency, [3]);
  assert.equal(parsed(["--stream", "0"]).values.stream, false);
  assert.equal(parsed(["reproduce", "a40", "--quick"]).values.quick, true);
  assert.deepEqual(parsed(["reproduce", "--quick", "a40"]).operands, ["a40"]);
});

Deno.test("a wrong flag is one line with its name, the rule and the value, and all are told at once", () => {
  assert.deepEqual(problems(["--requests", "0", "--modes=direct,fast", "--max-batch-size", "none"]), [
    '--requests must be a whole number from 1 to 10000000, got "0"',
    '--modes must be one or more of direct, queued, micro_batch, continuous, separated by commas, got "direct,fast"',
    'MAX_BATCH_SIZE must be a whole number from 1 to 1024, got "none"',
  ]);
  assert.deepEqual(problems(["--target", "localhost"]), ['--target must be HOST:PORT, got "localhost"']);
  assert.deepEqual(problems(["--seed"]), ["--seed must be a whole number from 0 to 2147483647, got nothing"]);
  assert.deepEqual(problems(["--duration=never"]), [
    '--duration must be a time like 90, 90s or 2m, from 1 s to 1 day, got "never"',
  ]);
  assert.match(problems(["--rate", "0"]).join(), /^--rate must be numbers above 0/);
});

Deno.test("what the bench can't take is refused by name", () => {
  assert.deepEqual(problems(["--gpu", "9"]), ["--gpu is no flag of bench run; bench run --help lists them"]);
  assert.deepEqual(problems(["--roudns=3", "--max-bach-size", "9", "--requests=0"]), [
    "--roudns is no flag of bench run; did you mean --rounds?",
    "--max-bach-size is no flag of bench run; did you mean --max-batch-size?",
    '--requests must be a whole number from 1 to 10000000, got "0"',
  ]);
  assert.deepEqual(problems(["--stream", "maybe"]), ['--stream must be 1, true, 0 or false, got "maybe"']);
  assert.match(problems(["--engine-mode=queued"]).join(), /^--engine-mode is not for bench: use --modes$/);
  const names = "run, sweep, saturate, tune, compare, report, reproduce";
  assert.deepEqual(problems(["results"]), [
    `bench needs one of ${names}, got "results"; bench --help tells more`,
  ]);
  assert.deepEqual(problems(["sweap"]), [`bench needs one of ${names}, got "sweap"; did you mean sweep?`]);
  assert.deepEqual(problems(["run", "x"]), ['bench run takes flags only, got "x"']);
  assert.deepEqual(problems(["--requests", "9", "x"]), ['bench run takes flags only, got "x"']);
  assert.match(problems(["report"]).join(), /^bench report must be given one folder/);
  for (const flag of ["--rate", "--max-batch-size"]) {
    assert.deepEqual(problems(["report", "x", flag, "3"]), [
      `${flag} is no flag of bench report; bench report --help lists them`,
    ]);
  }
});

Deno.test("with --target, flags that shape an engine are refused", () => {
  assert.deepEqual(problems(["--target", "127.0.0.1:50061", "--max-batch-size", "8"]), [
    "--max-batch-size must be left out with --target, which measures an engine as it is",
  ]);
  assert.equal(parsed(["--target", "[::1]:50061", "--requests", "9"]).values.target, "[::1]:50061");
});

Deno.test("help wins over everything else; the help of a command names its flags, and some command takes each", () => {
  assert.deepEqual(parseCommand(["--requests", "0", "--help"], {}), { help: undefined });
  assert.deepEqual(parseCommand(["sweep", "--help"], {}), { help: "sweep" });
  const names = Object.keys(COMMANDS) as CommandName[];
  for (const name of names) {
    assert.match(helpText(undefined), new RegExp(`\n  ${name} `));
    for (const flag of commandSpec(name).flags) {
      assert.match(helpText(name), new RegExp(`\n  --${flag}[ \n]`));
    }
  }
  const taken = new Set<string>(names.flatMap((name) => commandSpec(name).flags));
  assert.deepEqual(Object.keys(FLAGS).filter((flag) => !taken.has(flag)), []);
});

Deno.test("the help of a command tells its own defaults where they are not those of run", () => {
  const told = (name: CommandName, flag: string) =>
    new RegExp(`\n  --${flag}(.*)\n      (.*)`).exec(helpText(name))?.slice(1).join(": ");
  assert.match(told("run", "rounds") ?? "", /^ {2}\(default 3\): turns of each cell/);
  assert.match(told("compare", "rounds") ?? "", /^ {2}\(default 6\): turns of each cell/);
  assert.match(told("sweep", "modes") ?? "", /^ {2}\(default micro_batch\)/);
  assert.match(told("tune", "concurrency") ?? "", /^: closed loop/);
  assert.match(told("tune", "duration") ?? "", /first turn \(default: 6s to 30s/);
  assert.match(told("saturate", "duration") ?? "", /each trial \(default: 15s/);
  assert.match(told("saturate", "arrivals") ?? "", /of a trial/);
});

Deno.test("the examples of the help are themselves right", () => {
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    const lines = commandSpec(name).examples.matchAll(/^ {2}(\S.*)$/gm).map(([, line = ""]) => line);
    for (const line of lines) {
      const args = line.replace(/^(\S+=\S+ )?deno task bench ?/, "").split(" ").filter(Boolean)
        .map((word) => word.replace(/^'(.*)'$/, "$1"));
      assert.equal(parsed(args).name, name, line);
    }
  }
});

function parsed(args: string[], env: Record<string, string> = {}): Command {
  const command = parseCommand(args, env);
  assert.ok(!("help" in command));
  return command;
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
