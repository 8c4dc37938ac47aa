import assert from "node:assert/strict";
import { StartupError } from "../core/errors.ts";
import { type AskCommand, parseAsk } from "./ask_command.ts";
import { parseTop, type TopCommand } from "./top_command.ts";

Deno.test("words without quotes are one prompt, a lone dash is stdin, and -- ends the flags", () => {
  assert.equal(ask(["Why", "is", "it", "--seed", "7", "so?"]).prompt, "Why is it so?");
  assert.equal(ask(["-"]).prompt, undefined);
  assert.equal(ask([]).prompt, undefined);
  assert.equal(ask(["--", "--seed", "-"]).prompt, "--seed -");
});

Deno.test("a flag goes before its variable, and an empty variable counts as not given", () => {
  const env = { OMNISPAN_URL: "https://one:1/" };
  assert.equal(ask(["x"], env).target.url, "https://one:1");
  assert.equal(ask(["x", "--url=two:2/v1"], env).target.url, "http://two:2");
  assert.equal(ask(["x", "--url=two:2"], { OMNISPAN_URL: "no url" }).target.url, "http://two:2");
  assert.equal(ask(["x"], { OMNISPAN_URL: "", OMNISPAN_API_KEY: "" }).target.url, "http://127.0.0.1:8080");
  assert.equal(ask(["x"], { OMNISPAN_API_KEY: " omk_1\n" }).target.apiKey, "omk_1");
  assert.equal(ask(["x", "--url", "http://[::1]:8080/under/"]).target.url, "http://[::1]:8080/under");
});

Deno.test("a wrong flag is one line with its name, the rule and the value, and all are told at once", () => {
  assert.deepEqual(
    problems(() => ask(["x", "--max-tokens=0", "--temperature", "-1", "--mode-hint=fast", "--seed"])),
    [
      '--max-tokens must be a whole number from 1 to 1000000, got "0"',
      '--temperature must be a number from 0 to 2, got "-1"',
      '--mode-hint must be one of direct, queued, micro_batch, continuous, got "fast"',
      "--seed must be a whole number from 0 to 2147483647, got nothing",
    ],
  );
  assert.deepEqual(problems(() => ask(["x"], { OMNISPAN_URL: "ftp://x" })), [
    'OMNISPAN_URL must be http://HOST:PORT, https://HOST:PORT or HOST:PORT, got "ftp://x"',
  ]);
  assert.match(problems(() => ask(["x", "--url", "http://me:secret@host"]))[0] ?? "", /^--url must be/);
  assert.match(problems(() => ask(["x", "--tenant", "zoë"]))[0] ?? "", /^--tenant must be .* got "zoë"$/);
  assert.deepEqual(problems(() => ask(["--raw", "--system=s", "--json=maybe", " "])), [
    '--json must be 1, true, 0 or false, got "maybe"',
    "the prompt must be a text that is not empty, got nothing",
    "--system must be left out with --raw, which sends the prompt as it is",
  ]);
});

Deno.test("a terminal without a prompt is wrong use", () => {
  assert.match(problems(() => parseAsk([], {}, true))[0] ?? "", /^ask must be given a prompt/);
  assert.match(problems(() => parseAsk(["-"], {}, true))[0] ?? "", /^ask must be given a prompt/);
});

Deno.test("a key never stands in what is told of it", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "omk_secret\nomk_other\n");
  const told = [
    ...problems(() => ask(["x", "--key-file", file])),
    ...problems(() => ask(["x"], { OMNISPAN_API_KEY: "omk secret" })),
    ...problems(() => ask(["x", "--key-file", file + "x"])),
  ];
  assert.deepEqual(told.slice(0, 2), [
    "--key-file must hold one key of printable ASCII without spaces, got 20 characters",
    "OMNISPAN_API_KEY must hold one key of printable ASCII without spaces, got 10 characters",
  ]);
  assert.match(told[2] ?? "", /^--key-file must be a file that can be read, got/);
  await Deno.writeTextFile(file, "omk_secret\n");
  assert.equal(ask(["x", "--key-file", file], { OMNISPAN_API_KEY: "other" }).target.apiKey, "omk_secret");
});

Deno.test("help asks for help, whatever else is wrong", () => {
  assert.equal(parseAsk(["--seed", "x", "--help"], {}, true), "help");
  assert.equal(parseTop(["-h", "--count=0"], {}, true), "help");
});

Deno.test("top has a screen only in a terminal, and flags that say how it ends only where they count", () => {
  assert.deepEqual([top([]).shows, top(["--once"]).shows, top([], false).shows], ["screen", "once", "once"]);
  assert.deepEqual([top(["--json"]).count, top(["--json", "--once"]).count], [Infinity, 1]);
  assert.equal(top(["--json", "--count", "3"]).count, 3);
  assert.deepEqual(problems(() => top(["--count=3", "localhost"])), [
    'top takes flags only, got "localhost"',
    '--count must be given with --json, got "3" without it',
  ]);
  assert.match(
    problems(() => top(["--json", "--once", "--count=3"]))[0] ?? "",
    /^--count must be left out with --once/,
  );
});

function ask(args: readonly string[], env: Readonly<Record<string, string>> = {}): AskCommand {
  const command = parseAsk(args, env, false);
  assert.ok(command !== "help");
  return command;
}

function top(args: readonly string[], hasScreen = true): TopCommand {
  const command = parseTop(args, {}, hasScreen);
  assert.ok(command !== "help");
  return command;
}

function problems(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.problems;
    throw thrown;
  }
  return assert.fail("it was taken");
}
