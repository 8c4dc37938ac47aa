import assert from "node:assert/strict";
import { flag, wholeNumber } from "../core/setting.ts";
import { closest } from "./closest.ts";
import {
  type Command,
  flagsHelp,
  readCommandLine,
  subcommandOf,
  unknownCommand,
  unknownNames,
  wrapped,
} from "./command_line.ts";
import { decimal, type FlagTable, listOf, oneOf, text, texts, whole, yes } from "./flag.ts";

const FLAGS = {
  port: { ...wholeNumber(0, 65_535, 80, "where to listen"), variable: "PORT", label: "PORT" },
  url: { ...text("a URL", /^http/, "whom to ask"), variable: "URL" },
  keep: { ...flag(true, "keep what was made"), variable: "KEEP" },
  quick: yes("fewer of them"),
  seed: whole(0, 9, undefined, "what to draw by"),
  share: decimal(0, 1, 0.5, "how much of it"),
  stop: texts("a text", /\S/, "where to end"),
  sizes: listOf([1, 8], "whole numbers", "how many", (item) => /^\d+$/.test(item) ? Number(item) : undefined),
  colour: oneOf(["red", "green"], "which one"),
  file: { ...text("a path", /\S/, "where it is"), value: "PATH" },
};

function read(
  args: readonly string[],
  more: Partial<Command<FlagTable>> = {},
  env: Record<string, string> = {},
) {
  return readCommandLine({ name: "paint", flags: FLAGS, ...more }, args, env);
}

const ANY = { least: 0, most: Infinity, rule: "takes words" };
const ONE = { least: 1, most: 1, rule: "must be given one folder" };

Deno.test("a value stands behind its flag or behind =, and without a flag the default counts", () => {
  const { values, given, problems } = read(["--seed", "3", "--share=0.25", "--file", "-x", "--sizes=4, 4,2"]);
  assert.deepEqual(problems, []);
  assert.deepEqual([values.seed, values.share, values.file, values.sizes], [3, 0.25, "-x", [4, 2]]);
  assert.deepEqual([values.port, values.stop, values.keep, values.colour], [80, [], true, undefined]);
  assert.deepEqual([...given].sort(), ["file", "seed", "share", "sizes"]);
});

Deno.test("a flag goes before its variable, and an empty variable counts as not given", () => {
  assert.equal(read([], {}, { PORT: "81" }).values.port, 81);
  assert.equal(read([], {}, { PORT: "" }).values.port, 80);
  const both = read(["--port", "82"], {}, { PORT: "none", KEEP: "0" });
  assert.deepEqual([both.values.port, both.values.keep, both.problems], [82, false, []]);
  assert.deepEqual([[...both.given], [...both.typed]], [["port", "keep"], ["port"]]);
});

Deno.test("a flag of yes or no stands alone, with =, or before a word that the command has no other use for", () => {
  const quick = (args: string[], operands = { least: 0, most: 0, rule: "" }) => {
    const { values, operands: words, problems } = read(args, { operands });
    return [values.quick, ...words, ...problems];
  };
  assert.deepEqual(quick(["--quick"]), [true]);
  assert.deepEqual(quick(["--quick=false"]), [false]);
  assert.deepEqual(quick(["--quick", "0"]), [false]);
  assert.deepEqual(quick(["--quick", "--seed=1"]), [true]);
  assert.deepEqual(quick(["--quick", "maybe"]), [false, '--quick must be 1, true, 0 or false, got "maybe"']);
  assert.deepEqual(quick(["--quick", "folder"], ONE), [true, "folder"]);
  assert.deepEqual(quick(["--quick", "0", "folder"], ONE), [false, "folder"]);
  assert.deepEqual(quick(["--quick", "1", "+", "1"], ANY), [true, "1", "+", "1"]);
});

Deno.test("flags that repeat are collected; of another the last one counts, or it is a problem", () => {
  assert.deepEqual(read(["--stop", "a", "--stop=b"]).values.stop, ["a", "b"]);
  assert.equal(read(["--seed=1", "--seed=2"]).values.seed, 2);
  assert.deepEqual(read(["--seed=1", "--seed=2"], { once: true }).problems, [
    "--seed must be given once, got it again",
  ]);
});

Deno.test("words are operands, so is a lone dash, and -- ends the flags", () => {
  assert.deepEqual(read(["a", "-", "--seed", "1", "--", "--seed", "x"], { operands: ANY }).operands, [
    "a",
    "-",
    "--seed",
    "x",
  ]);
  assert.deepEqual(read(["a", "b"]).problems, ['paint takes flags only, got "a b"']);
  assert.deepEqual(read([], { operands: ONE }).problems, ['paint must be given one folder, got ""']);
});

Deno.test("each problem is a line that names what was given, the rule and the value, and all are reported", () => {
  const args = ["--port=x", "--seed", "--file", "--colour", "blue", "--share", "-1", "--quick=no", "word"];
  assert.deepEqual(read(args, {}, { URL: "ftp://x", PORT: "y" }).problems, [
    'PORT must be a whole number from 0 to 65535, got "x"',
    "--seed must be a whole number from 0 to 9, got nothing",
    "--file must be a path, got nothing",
    '--colour must be one of red, green, got "blue"',
    '--share must be a number from 0 to 1, got "-1"',
    '--quick must be 1, true, 0 or false, got "no"',
    'URL must be a URL, got "ftp://x"',
    'paint takes flags only, got "word"',
  ]);
});

Deno.test("an unknown flag is a problem with a hint, and the word behind it is none of its own", () => {
  assert.deepEqual(read(["--prot", "3", "--gpu=1", "-m", "-seed", "--toString"]).problems, [
    "--prot is no flag of paint; did you mean --port?",
    "--gpu is no flag of paint; paint --help lists them",
    "-m is no flag of paint; paint --help lists them",
    "-seed is no flag of paint; did you mean --seed?",
    "--toString is no flag of paint; paint --help lists them",
  ]);
  assert.equal(closest("tempreature", ["temperature", "top-p"]), "temperature");
  assert.equal(closest("x", ["temperature"]), undefined);
});

Deno.test("a flag of another command is refused with its value, for a reason of its own if it has one", () => {
  const others = {
    flags: { width: whole(0, 9, 1, ""), height: whole(0, 9, 1, "") },
    why: (name: string) => name === "width" ? "is for walls" : undefined,
  };
  assert.deepEqual(read(["--width", "3", "--height", "4", "folder"], { others, operands: ONE }).problems, [
    "--width is for walls",
    "--height is no flag of paint; paint --help lists them",
  ]);
});

Deno.test("help is seen whatever else is wrong, but for the value of a flag and what follows --", () => {
  for (const args of [["--help"], ["--seed", "x", "-h"], ["--seed", "--help"]]) {
    assert.ok(read(args).help, args.join());
  }
  for (const args of [["--file", "-h"], ["--", "--help"]]) {
    assert.ok(!read(args, { operands: ANY }).help, args.join());
  }
});

Deno.test("the first word names the command, also behind a flag; help may stand before its name", () => {
  const of = (...args: string[]) => subcommandOf(["mix", "wash"], FLAGS, args);
  assert.deepEqual(of("mix", "--seed=1"), { name: "mix", word: "mix", rest: ["--seed=1"], help: false });
  assert.deepEqual(of("--seed", "1", "--quick", "wash", "x").rest, ["--seed", "1", "--quick", "x"]);
  assert.deepEqual(of("--file", "mix"), {
    name: undefined,
    word: undefined,
    rest: ["--file", "mix"],
    help: false,
  });
  assert.deepEqual([of("mxi").name, of("mxi").word], [undefined, "mxi"]);
  assert.deepEqual([of("help", "wash").name, of("help", "wash").help], ["wash", true]);
  assert.deepEqual([of("help").name, of("wash", "-h").help], [undefined, true]);
  assert.equal(
    unknownCommand("paint", ["mix", "wash"], "mxi"),
    'paint needs one of mix, wash, got "mxi"; did you mean mix?',
  );
  assert.equal(unknownCommand("paint", ["mix"]), 'paint needs one of mix, got ""; paint --help tells more');
});

Deno.test("a word that is no name of a kind is a problem, with the name that it may have meant", () => {
  assert.deepEqual(unknownNames("suite", ["unti", "e2e", "xyzzy"], ["unit", "e2e"]), [
    "unti is no suite; did you mean unit?",
    "xyzzy is no suite; there are unit, e2e",
  ]);
});

Deno.test("help has each flag's variable, default, meaning and rule", () => {
  const { port, quick, sizes, stop, file } = FLAGS;
  assert.equal(
    flagsHelp({ port, quick, sizes, stop, file }),
    `  --port  (PORT, default 80)
      where to listen; a whole number from 0 to 65535
  --quick
      fewer of them
  --sizes  (default 1,8)
      how many; whole numbers, separated by commas
  --stop  (may be repeated)
      where to end; a text
  --file PATH
      where it is; a path`,
  );
});

Deno.test("long help goes over several lines", () => {
  const long = Array.from({ length: 30 }, (_, index) => `word${index}`).join(" ");
  const lines = flagsHelp({ file: { ...FLAGS.file, help: long } }).split("\n");
  assert.equal(lines.length, 3);
  for (const line of lines.slice(1)) assert.match(line, /^ {6}\S.{10,109}$/);
  assert.equal(lines.slice(1).map((line) => line.trim()).join(" "), `${long}; a path`);
  assert.equal(wrapped(`a ${"x".repeat(200)} b`), `a\n${"x".repeat(200)}\nb`);
});
