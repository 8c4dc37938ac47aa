import assert from "node:assert/strict";
import { StartupError } from "../core/errors.ts";
import { HELP, parseCommand } from "./command.ts";

function parsed(line: string, env: Readonly<Record<string, string>> = {}) {
  return parseCommand(line.split(" ").filter((word) => word !== ""), env);
}

function problems(args: readonly string[]): readonly string[] {
  try {
    parseCommand(args, {});
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.problems;
    throw thrown;
  }
  throw new Error("nothing was wrong");
}

Deno.test("a command is read with its flags, and the file is the flag's, else API_KEYS_FILE, else api-keys.json", () => {
  const line = "new --tenant alice --note laptop --requests-per-minute 60 --tokens-per-minute=20000 " +
    "--max-in-flight 8 --max-tokens 1024 --operator --file f.json";
  assert.deepEqual(parsed(line, { API_KEYS_FILE: "other.json" }), {
    name: "new",
    path: "f.json",
    key: {
      tenant: "alice",
      note: "laptop",
      limits: { requests_per_minute: 60, tokens_per_minute: 20_000, max_in_flight: 8, max_tokens: 1024 },
      operator: true,
    },
  });
  assert.deepEqual(parsed("--operator new --tenant=alice"), {
    name: "new",
    path: "api-keys.json",
    key: { tenant: "alice", note: undefined, limits: {}, operator: true },
  });
  assert.deepEqual(parsed("list", { API_KEYS_FILE: "keys.json" }), { name: "list", path: "keys.json" });
  assert.deepEqual(parsed("list", { API_KEYS_FILE: "" }), { name: "list", path: "api-keys.json" });
  assert.deepEqual(parsed("revoke k1 --file f.json"), { name: "revoke", path: "f.json", id: "k1" });
});

Deno.test("help is given wherever it is asked for, and names every flag", () => {
  for (const line of ["--help", "-h", "help", "new --help", "revoke -h"]) {
    assert.equal(parsed(line), "help", line);
  }
  for (const flag of ["tenant", "note", "requests-per-minute", "max-in-flight", "operator", "file"]) {
    assert.match(HELP, new RegExp(`^  --${flag}\\b`, "m"));
  }
});

Deno.test("wrong use is reported with the flag, the rule and the value, each on its line", () => {
  assert.deepEqual(problems([]), ['keys needs one of new, list, revoke, got ""; keys --help tells more']);
  assert.deepEqual(problems(["make"]), [
    'keys needs one of new, list, revoke, got "make"; keys --help tells more',
  ]);
  assert.deepEqual(problems(["lits"]), [
    'keys needs one of new, list, revoke, got "lits"; did you mean list?',
  ]);
  assert.deepEqual(
    problems([
      "new",
      "bob",
      "--max-tokens",
      "0",
      "--max-in-flight",
      "1e3",
      "--tennant",
      "x",
      "--operator=no",
    ]),
    [
      '--max-tokens must be a whole number from 1 to 1000000, got "0"',
      '--max-in-flight must be a whole number from 1 to 1000000, got "1e3"',
      "--tennant is no flag of keys new; did you mean --tenant?",
      '--operator must be 1, true, 0 or false, got "no"',
      'keys new takes flags only, got "bob"',
      "--tenant must be a Unicode text of 1 to 256 bytes of UTF-8 without control characters, got nothing",
    ],
  );
  assert.deepEqual(problems(["new", "--note", "--operator", "--tenant", "a", "--tenant", "b"]), [
    "--note must be a Unicode text of at most 1000 bytes of UTF-8 without control characters, got nothing",
    "--tenant must be given once, got it again",
  ]);
  assert.deepEqual(problems(["new", "--tenant"]), [
    "--tenant must be a Unicode text of 1 to 256 bytes of UTF-8 without control characters, got nothing",
  ]);
  assert.deepEqual(problems(["list", "--tenant", "a"]), [
    "--tenant is no flag of keys list, only of keys new",
  ]);
  assert.deepEqual(problems(["revoke"]), [
    'keys revoke takes the id of one key (keys list shows them), got ""',
  ]);
  assert.deepEqual(problems(["revoke", "k1", "--gpu=1"]), [
    "--gpu is no flag of keys revoke; keys revoke --help lists them",
  ]);
});
