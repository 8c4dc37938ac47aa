import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import { parseTrace, readTrace, replay, sha256Of, tracePath } from "./trace.ts";

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";
const TRACE = { kind: "trace", file: "azure_conv_2023_excerpt", speed: 1 } as const;
const NO_LIMITS = { requests: Infinity, durationMs: Infinity };

Deno.test("the shipped excerpt is read by its name", () => {
  const rows = readTrace("azure_conv_2023_excerpt");
  assert.equal(rows.length, 400);
  assert.deepEqual(rows[0], { atMs: 0, promptTokens: 374, outputTokens: 44 });
  assert.ok(Math.abs((rows.at(-1)?.atMs ?? 0) - 106_330.212) < 0.001);
});

Deno.test("a trace is known by its bytes", async () => {
  const file = await Deno.makeTempFile({ suffix: ".csv" });
  await Deno.writeTextFile(file, "abc");
  assert.equal(sha256Of(file), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.match(sha256Of("azure_conv_2023_excerpt"), /^[0-9a-f]{64}$/);
});

Deno.test("a path stays a path, and an unknown name too", () => {
  assert.equal(tracePath("some/azure_conv_2023_excerpt"), "some/azure_conv_2023_excerpt");
  assert.equal(tracePath("../traces/azure_conv_2023_excerpt"), "../traces/azure_conv_2023_excerpt");
  assert.equal(tracePath("no_such_trace"), "no_such_trace");
  assert.match(tracePath("azure_conv_2023_excerpt"), /traces\/azure_conv_2023_excerpt\.csv$/);
});

Deno.test("columns may come in another order and with others, lines end as on Windows, times as in ISO 8601", () => {
  const text = "\uFEFFid,GeneratedTokens,TIMESTAMP,ContextTokens\r\n" +
    "7,44,2024-05-10T23:59:59.5Z,374\r\n8,5,2024-05-11 00:00:01.009930+00:00,6\r\n";
  const [first, second] = parseTrace(text, "t.csv");
  assert.deepEqual(first, { atMs: 0, promptTokens: 374, outputTokens: 44 });
  assert.ok(Math.abs((second?.atMs ?? 0) - 1509.93) < 0.001);
});

Deno.test("every broken row is named by line, column, rule and value", () => {
  const rows = [
    "2023-11-16 18:15:46.68,374,44",
    "yesterday,0,44",
    "2023-11-16 18:15:46.67,374,-4",
    "2023-13-40 18:15:47,374,1.5",
    "",
    "2023-11-16 18:15:48,1",
    '2023-11-16 18:15:48,"1,024",44',
    "2023-11-16 18:15:48,1,024,44",
    "2023-11-16 18:15:48,1,2",
  ];
  const count = "must be a whole number from 1 to 1000000, got";
  assert.deepEqual(problemsOf([HEADER, ...rows].join("\n")), [
    't.csv:3: TIMESTAMP must be a time like 2023-11-16 18:15:46.6805900, got "yesterday"',
    `t.csv:3: ContextTokens ${count} "0"`,
    't.csv:4: TIMESTAMP must be no earlier than the line above\'s, got "2023-11-16 18:15:46.67"',
    `t.csv:4: GeneratedTokens ${count} "-4"`,
    't.csv:5: TIMESTAMP must be a time like 2023-11-16 18:15:46.6805900, got "2023-13-40 18:15:47"',
    `t.csv:5: GeneratedTokens ${count} "1.5"`,
    "t.csv:6: must have 3 fields as the header has, got 1",
    "t.csv:7: must have 3 fields as the header has, got 2",
    `t.csv:8: ContextTokens ${count} "1,024"`,
    "t.csv:9: must have 3 fields as the header has, got 4",
  ]);
});

Deno.test("quoted fields are fields, whatever is in them, and lines are counted as in the file", () => {
  const text = '"name, model","TIMESTAMP",ContextTokens,"GeneratedTokens"\n' +
    '"a, b","2023-11-16 18:15:46","374",44\r\n' +
    '"two\nlines and a "" quote",2023-11-16 18:15:47, "5" ,6\n';
  assert.deepEqual(parseTrace(text, "t.csv"), [
    { atMs: 0, promptTokens: 374, outputTokens: 44 },
    { atMs: 1000, promptTokens: 5, outputTokens: 6 },
  ]);
  assert.deepEqual(problemsOf(text + "x,now,1,1\n"), [
    't.csv:5: TIMESTAMP must be a time like 2023-11-16 18:15:46.6805900, got "now"',
  ]);
});

Deno.test("a field whose quotes are wrong is named by the line that it begins in", () => {
  const rows = `${HEADER}\n2023-11-16 18:15:46,1,1\n`;
  assert.deepEqual(problemsOf(`${rows}"2023-11-16 18:15:46,1,1\n2023-11-16 18:15:47,1,1\n`), [
    "t.csv:3: a quoted field must be closed, got none to the end of the file",
  ]);
  assert.deepEqual(problemsOf(`${rows}2023"-11-16 18:15:46,1,1\n`), [
    "t.csv:3: a quote must be the first character of its field and be doubled inside of it",
  ]);
});

Deno.test("a trace is read in UTF-8 and in UTF-16 with its mark; what is no text is told so", async () => {
  const text = `${HEADER},é\r\n2023-11-16 18:15:46,374,44,\r\n`;
  const utf16 = (littleEndian: boolean, mark: string) => {
    const view = new DataView(new ArrayBuffer(2 * (mark + text).length));
    [...mark + text].forEach((letter, at) => view.setUint16(2 * at, letter.charCodeAt(0), littleEndian));
    return new Uint8Array(view.buffer);
  };
  const file = await Deno.makeTempFile({ suffix: ".csv" });
  for (const bytes of [new TextEncoder().encode(text), utf16(true, "\uFEFF"), utf16(false, "\uFEFF")]) {
    await Deno.writeFile(file, bytes);
    assert.deepEqual(readTrace(file), [{ atMs: 0, promptTokens: 374, outputTokens: 44 }]);
  }
  for (
    const bytes of [utf16(true, ""), Uint8Array.of(0x1f, 0x8b, 8, 0xff), Uint8Array.of(0xff, 0xfe, 0x41)]
  ) {
    await Deno.writeFile(file, bytes);
    assert.throws(() => readTrace(file), {
      message: `${file}:1: a trace must be text in UTF-8, or in UTF-16 with a byte order mark`,
    });
  }
});

Deno.test("a file that is broken throughout is reported by its first problems", () => {
  const problems = problemsOf([HEADER, ...Array.from({ length: 1000 }, () => "x,1,1")].join("\n"));
  assert.equal(problems.length, 21);
  assert.equal(problems.at(-1), "t.csv: and 980 more problems");
});

Deno.test("a trace must have its columns and a row", () => {
  assert.deepEqual(problemsOf("time,tokens\n1,2"), [
    `t.csv:1: must have the columns ${HEADER}, got "time,tokens"`,
  ]);
  for (const text of [HEADER, HEADER + "\n", `\uFEFF${HEADER}\r\n\r\n`]) {
    assert.deepEqual(problemsOf(text), ["t.csv:1: a trace must have a row below its header, got none"]);
  }
  for (const text of ["", "\n", "\uFEFF\r\n "]) {
    assert.deepEqual(problemsOf(text), [`t.csv:1: must have the columns ${HEADER}, got an empty file`]);
  }
  assert.deepEqual(problemsOf(`${HEADER},ContextTokens\n2023-11-16 18:15:46,1,1,2`), [
    `t.csv:1: must have the columns ${HEADER} once each, got "${HEADER},ContextTokens"`,
  ]);
});

Deno.test("a trace that is not there is named", () => {
  assert.throws(() => readTrace("no_such_trace"), (thrown) => {
    assert.ok(thrown instanceof StartupError);
    assert.match(thrown.message, /^no_such_trace: the trace can't be read: ENOENT/);
    return true;
  });
});

Deno.test("a replay stops at its limits, and says of how many rows", () => {
  assert.deepEqual(replay(TRACE, NO_LIMITS).use, {
    rows: 400,
    played: 400,
    shortenedPrompts: 0,
    shortenedOutputs: 0,
  });
  assert.equal(replay(TRACE, { ...NO_LIMITS, requests: 7 }).use.played, 7);
  const { rows, use } = replay({ ...TRACE, speed: 10 }, { ...NO_LIMITS, durationMs: 2000 });
  assert.equal(use.played, rows.length);
  assert.equal(use.rows, 400);
  const all = readTrace(TRACE.file);
  assert.equal(use.played, all.filter(({ atMs }) => atMs < 20_000).length);
  assert.deepEqual(rows.map(({ atMs }) => atMs), all.slice(0, rows.length).map(({ atMs }) => atMs / 10));
});

Deno.test("longer prompts and answers are cut, and counted", () => {
  const { rows, use } = replay({ ...TRACE, maxPromptTokens: 1000, maxOutputTokens: 200 }, NO_LIMITS);
  const all = readTrace(TRACE.file);
  assert.equal(Math.max(...rows.map(({ promptTokens }) => promptTokens)), 1000);
  assert.equal(Math.max(...rows.map(({ outputTokens }) => outputTokens)), 200);
  assert.equal(use.shortenedPrompts, all.filter(({ promptTokens }) => promptTokens > 1000).length);
  assert.equal(use.shortenedOutputs, all.filter(({ outputTokens }) => outputTokens > 200).length);
});

function problemsOf(text: string): readonly string[] {
  try {
    parseTrace(text, "t.csv");
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.problems;
    throw thrown;
  }
  return [];
}
