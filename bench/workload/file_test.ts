import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { StartupError } from "../../src/core/errors.ts";
import { SPACING } from "./arrivals.ts";
import { parseWorkload, readWorkloadFile } from "./file.ts";
import { LENGTHS } from "./lengths.ts";
import { DEFAULT_TENANT } from "./requests.ts";
import { VARIANT_SETTINGS } from "./variants.ts";

Deno.test("every field of a file arrives in the words of the plan", () => {
  const file = parseWorkload(
    `
seed: 7
rounds: 2
requests: 100
duration: 1.5m
stream: false
timeout: 30s
slo: { ttft: 500ms, tpot: 50ms, e2e: 5s }
classes:
  - name: chat
    weight: 9
    prompt: { tokens: lognormal:120:80:1000, sharedPrefix: 64, prefixes: 4 }
    output: 16-96
    exactOutput: true
    tenants: { free: 3, paid: 1 }
  - { name: plain, output: 64 }
variants:
  - { mode: micro_batch, settings: { MAX_BATCH_SIZE: 16, BATCH_WHEN_IDLE: true } }
  - mode: direct
`,
    "w.yaml",
  );
  const chat = {
    name: "chat",
    weight: 9,
    prompt: {
      kind: "tokens",
      length: { kind: "lognormal", mean: 120, sd: 80, min: 1, max: 1000 },
      sharedPrefix: 64,
      prefixes: 4,
    },
    output: { kind: "uniform", min: 16, max: 96 },
    exactOutput: true,
    tenants: [{ name: "free", weight: 3 }, { name: "paid", weight: 1 }],
  };
  const plain = {
    name: "plain",
    weight: 1,
    prompt: { kind: "natural" },
    output: { kind: "fixed", tokens: 64 },
    exactOutput: false,
    tenants: [DEFAULT_TENANT],
  };
  assert.deepEqual(file, {
    seed: 7,
    rounds: 2,
    requests: 100,
    duration: 90,
    stream: false,
    timeout: 30,
    slo: { ttftMs: 500, tpotMs: 50, e2eMs: 5000 },
    mix: { classes: [chat, plain] },
    variants: [
      {
        name: "micro_batch BATCH_WHEN_IDLE=true MAX_BATCH_SIZE=16",
        mode: "micro_batch",
        settings: { MAX_BATCH_SIZE: 16, BATCH_WHEN_IDLE: true },
      },
      { name: "direct", mode: "direct", settings: {} },
    ],
  });
});

Deno.test("every kind of load arrives with its name", () => {
  const { loads } = parseWorkload(
    `
loads:
  - concurrency: 8
  - rate: 4
  - { rate: 4, arrivals: constant }
  - { rate: 4, arrivals: gamma:2 }
  - { rate: 4, arrivals: bursts:16 }
  - ramp: { from: 1, to: 20 }
  - steps: [1, 5, 20]
  - { trace: azure_conv_2023_excerpt, speed: 10, maxPromptTokens: 512, maxOutputTokens: 64 }
`,
    "w.yaml",
  );
  const open = (arrivals: object, name: string) => ({ kind: "open", name, arrivals });
  assert.deepEqual(loads, [
    { kind: "closed", name: "8 clients", concurrency: 8 },
    open({ kind: "poisson", rate: 4 }, "4/s poisson"),
    open({ kind: "constant", rate: 4 }, "4/s constant"),
    open({ kind: "gamma", rate: 4, cv: 2 }, "4/s gamma cv 2"),
    open({ kind: "bursts", rate: 4, size: 16 }, "4/s bursts of 16"),
    open({ kind: "ramp", from: 1, to: 20 }, "ramp 1-20/s"),
    open({ kind: "steps", rates: [1, 5, 20] }, "steps 1, 5, 20/s"),
    open(
      {
        kind: "trace",
        file: "azure_conv_2023_excerpt",
        speed: 10,
        maxPromptTokens: 512,
        maxOutputTokens: 64,
      },
      "trace azure_conv_2023_excerpt x10 prompt<=512 output<=64",
    ),
  ]);
});

Deno.test("a time without a unit is in seconds, as in flags", () => {
  assert.deepEqual(parseWorkload("duration: 90\ntimeout: 0.5", "w.yaml"), { duration: 90, timeout: 0.5 });
});

Deno.test("a file that says little leaves the rest to flags and defaults", () => {
  assert.deepEqual(parseWorkload("seed: 3", "w.yaml"), { seed: 3 });
});

Deno.test("JSON is read too, with lines in its problems, also where tabs indent it", () => {
  assert.deepEqual(parseWorkload('{\n\t"seed": 1,\n\t"slo": {"ttft": "1s"}\n}', "w.json"), {
    seed: 1,
    slo: { ttftMs: 1000 },
  });
  const text =
    '{\n\t"seed": 1,\n\t"classes": [\n\t\t{"name": "a", "output": 1},\n\t\t{"name": "b",\n\t\t "output": 0}\n\t]\n}';
  assert.deepEqual(problemsOf(text, "w.json").map((line) => line.slice(0, 28)), [
    "w.json:6: classes[1].output ",
  ]);
});

const TOKENS = `${LENGTHS.rule}, got`;
const LOAD_KINDS = "concurrency, rate, ramp, steps, trace";
const LIMIT = "must be a time with its unit, like 500ms, 30s or 2m, up to a day, got";
const DURATION = "must be a time like 90, 90s or 2m, from 1 s to 1 day, got";

/** A file's text, and what is said of it; the file is called f. */
const REFUSED: readonly (readonly [string, ...string[]])[] = [
  ["seed: -1", "f:1: seed must be a whole number from 0 to 2147483647, got -1"],
  ["rounds: 0", "f:1: rounds must be a whole number from 1 to 1000, got 0"],
  ["requests: 1.5", "f:1: requests must be a whole number from 1 to 10000000, got 1.5"],
  ["duration: 1ms", `f:1: duration ${DURATION} "1ms"`],
  ["duration: 25h", `f:1: duration ${DURATION} "25h"`],
  ["timeout: soon", 'f:1: timeout must be a time like 90, 90s or 2m, from 1 ms to 1 day, got "soon"'],
  ["stream: maybe", 'f:1: stream must be 1, true, 0 or false, got "maybe"'],
  ["slo: fast", 'f:1: slo must be a mapping with the fields ttft, tpot, e2e, got "fast"'],
  ["slo:\n  ttft: 5", `f:2: slo.ttft ${LIMIT} 5`],
  ["slo: { tppt: 5ms }", "f:1: slo.tppt must be one of the fields ttft, tpot, e2e; did you mean tpot?"],
  ["classes: []", "f:1: classes must be a list of 1 to 64 classes, got []"],
  ["classes: {}", "f:1: classes must be a list of 1 to 64 classes, got {}"],
  [
    "classes:\n  - weight: 0\n    exactOutput: no",
    "f:2: classes[0].name must be a text of 1 to 64 characters, got nothing",
    "f:2: classes[0].weight must be a number above 0, at most 1000000, got 0",
    `f:2: classes[0].output must be ${TOKENS} nothing`,
    'f:3: classes[0].exactOutput must be 1, true, 0 or false, got "no"',
  ],
  [
    "classes:\n  - name: a\n    output: 1\n  - name: a\n    output: 2",
    'f:4: classes[1] must be unlike those before it ("a" is there already), got {"name":"a","output":2}',
  ],
  [classWith("prompt: odd"), 'f:4: classes[0].prompt must be natural, or a mapping with tokens, got "odd"'],
  [classWith("prompt:\n      tokens: many"), `f:5: classes[0].prompt.tokens must be ${TOKENS} "many"`],
  [classWith("prompt: { tokens: 200000 }"), `f:4: classes[0].prompt.tokens must be ${TOKENS} 200000`],
  [
    classWith("prompt: { tokens: { uniform: { min: 1, max: 2 } } }"),
    `f:4: classes[0].prompt.tokens must be ${TOKENS} {"uniform":{"min":1,"max":2}}`,
  ],
  [
    classWith("prompt: { tokens: lognormal:99:1:50 }"),
    `f:4: classes[0].prompt.tokens must be ${TOKENS} "lognormal:99:1:50"`,
  ],
  [
    classWith("prompt: { tokens: 64, sharedPrefix: 64 }"),
    "f:4: classes[0].prompt.sharedPrefix must be less than the longest prompt's tokens (64), got 64",
  ],
  [
    classWith("prompt: { tokens: 64, prefixes: 2 }"),
    "f:4: classes[0].prompt.prefixes must be left out where there is no sharedPrefix, got 2",
  ],
  [
    classWith("tenants: { free: 1, paid: -3 }"),
    "f:4: classes[0].tenants.paid must be a number above 0, at most 1000000, got -3",
  ],
  [
    classWith("tenants: {}"),
    "f:4: classes[0].tenants must be a mapping of at least one tenant's name to its weight, got {}",
  ],
  ["loads: []", "f:1: loads must be a list of 1 to 64 loads, got []"],
  ["loads:\n  - 8", `f:2: loads[0] must be a mapping with one of ${LOAD_KINDS}, got 8`],
  ["loads:\n  - {}", `f:2: loads[0] must be a mapping with one of ${LOAD_KINDS}, got {}`],
  [
    "loads:\n  - concurency: 8",
    `f:2: loads[0].concurency must be one of the fields ${LOAD_KINDS}; did you mean concurrency?`,
  ],
  [
    "loads:\n  - { rate: 1, concurrency: 3 }",
    `f:2: loads[0] must be a mapping with only one of ${LOAD_KINDS}, got {"rate":1,"concurrency":3}`,
  ],
  [
    "loads:\n  - { concurrency: 1, arrivals: poisson }",
    "f:2: loads[0].arrivals must be one of the fields concurrency, requests",
  ],
  ["loads: [{ rate: 0 }]", "f:1: loads[0].rate must be a number above 0, at most 100000, got 0"],
  [
    "loads: [{ rate: 1, arrivals: often }]",
    `f:1: loads[0].arrivals must be ${SPACING.rule}, got "often"`,
  ],
  [
    "loads: [{ rate: 1, arrivals: gamma:0 }]",
    `f:1: loads[0].arrivals must be ${SPACING.rule}, got "gamma:0"`,
  ],
  [
    "loads: [{ ramp: { from: 0, to: 0 } }]",
    'f:1: loads[0].ramp must be rates of which one at least is above 0, got {"from":0,"to":0}',
  ],
  [
    "loads: [{ steps: [0, 0] }]",
    "f:1: loads[0].steps must be rates of which one at least is above 0, got [0,0]",
  ],
  ["loads: [{ steps: [1, x] }]", 'f:1: loads[0].steps[1] must be a number from 0 to 100000, got "x"'],
  [
    "loads:\n- rate: 4\n- rate: 4.0",
    'f:3: loads[1] must be unlike those before it ("4/s poisson" is there already), got {"rate":4}',
  ],
  [
    "loads:\n- rate: 4\n- trace: no_such_trace",
    'f:3: loads[1].trace must be a file in . or the name of a shipped trace, got "no_such_trace"',
  ],
  ["loads: [{ trace: 5 }]", "f:1: loads[0].trace must be a path or the name of a shipped trace, got 5"],
  [
    "loads: [{ trace: azure_conv_2023_excerpt, speed: 0 }]",
    "f:1: loads[0].speed must be a number from 0.001 to 100000, got 0",
  ],
  [
    "variants: [{ mode: fast }]",
    'f:1: variants[0].mode must be one of direct, queued, micro_batch, continuous, got "fast"',
  ],
  [
    "variants: [{ mode: queued, settings: { QUEUED_CONCURRENCY: 0 } }]",
    "f:1: variants[0].settings.QUEUED_CONCURRENCY must be a whole number from 1 to 65536, got 0",
  ],
  [
    "variants: [{ mode: queued, settings: [1] }]",
    `f:1: variants[0].settings must be a mapping with the fields ${VARIANT_SETTINGS.join(", ")}, got [1]`,
  ],
  [
    "variants:\n- mode: queued\n- mode: queued",
    'f:3: variants[1] must be unlike those before it ("queued" is there already), got {"mode":"queued"}',
  ],
  [
    "loads: [{ concurrency: 8 }]\nvariants:\n- { mode: queued, loads: [8 clients, 9 clients] }",
    'f:3: variants[0].loads[1] must be the name of one of the loads (8 clients), got "9 clients"',
  ],
  ["seed: 1\nseed: 2", "f:2: Map keys must be unique"],
  ["seed: 1\n---\nseed: 2", "f:2: a workload file must be one YAML document"],
  ["seed: 1\nslo: *limits", "f:2: *limits must have its anchor &limits above it"],
  ["seed: !secret 1", "f:1: Unresolved tag: !secret"],
];

for (const [text, ...problems] of REFUSED) {
  Deno.test(`refused: ${problems[0]}`, () => assert.deepEqual(problemsOf(text), problems));
}

Deno.test("all problems are told at once, in the order of their lines", () => {
  const lines = problemsOf("sed: 1\nrounds: 0\nloads:\n- rate: -1\nclasses: 4").map((line) =>
    line.split(" ")[0]
  );
  assert.deepEqual(lines, ["f:1:", "f:2:", "f:4:", "f:5:"]);
});

Deno.test("a setting of the worker or of the lab is no setting of a variant", () => {
  for (const name of ["ENGINE_MODE", "BIND_PORT", "WORKER_ENDPOINT", "MODEL_ID"]) {
    const [problem = ""] = problemsOf(`variants: [{ mode: queued, settings: { ${name}: 1 } }]`);
    assert.match(
      problem,
      new RegExp(`settings.${name} must be one of the fields .*\\bWORKER_RPC_TIMEOUT_MS\\b`),
    );
  }
  assert.match(
    problemsOf("variants: [{ mode: queued, settings: { MAX_BATCH_SIZ: 1 } }]")[0] ?? "",
    /did you mean MAX_BATCH_SIZE\?$/,
  );
});

Deno.test("an empty file is no workload", () => {
  assert.match(
    problemsOf("# nothing\n")[0] ?? "",
    /^f:\d: a workload file must be a mapping .*, got nothing$/,
  );
});

Deno.test("an alias stands for its anchor; aliases that multiply are refused", () => {
  const shared = "classes:\n- { name: a, output: &long 1-9 }\n- { name: b, output: *long }";
  assert.deepEqual(parseWorkload(shared, "f").mix?.classes[1]?.output, { kind: "uniform", min: 1, max: 9 });
  const levels = ["a", "b", "c", "d", "e", "f"].map((name, at, all) =>
    `${name}: &${name} [${Array.from({ length: 9 }, () => at === 0 ? "x" : `*${all[at - 1]}`).join(", ")}]`
  );
  assert.match(problemsOf(levels.join("\n"))[0] ?? "", /^f: the aliases can't be written out: /);
  const many = `seed: &s 1\nx: [${Array.from({ length: 101 }, () => "*s").join(", ")}]`;
  assert.deepEqual(problemsOf(many), ["f: a workload file must have at most 100 aliases, got 101"]);
  assert.equal(problemsOf("classes: &c [*c]").length, 1);
});

Deno.test("syntax errors have lines, and a file that is broken throughout is told of in few", () => {
  assert.match(problemsOf("seed: 1\nloads: [")[0] ?? "", /^f:2: Flow sequence/);
  assert.equal(problemsOf("[".repeat(50_000)).length, 21);
});

Deno.test("a workload file may be UTF-16 with its mark, and what is no text is told so", async () => {
  const folder = await mkdtemp(join(tmpdir(), "workload-"));
  try {
    const path = join(folder, "w.yaml");
    await writeFile(
      path,
      Uint8Array.from(
        "\uFEFFseed: 7\n".split("").flatMap((letter) => {
          const unit = letter.charCodeAt(0);
          return [unit & 0xff, unit >> 8];
        }),
      ),
    );
    assert.equal((await readWorkloadFile(path)).seed, 7);
    await writeFile(path, Uint8Array.of(0x1f, 0x8b, 8, 0xff));
    await assert.rejects(readWorkloadFile(path), {
      message: `${path}:1: a workload file must be text in UTF-8, or in UTF-16 with a byte order mark`,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("a workload file finds its traces in its own folder, and says what is wrong with them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "workload-"));
  try {
    const path = join(folder, "w.yaml");
    await writeFile(
      join(folder, "mine.csv"),
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,3,4\n",
    );
    await writeFile(path, "loads:\n  - trace: mine.csv\n");
    const { loads } = await readWorkloadFile(path);
    const arrivals = { kind: "trace", file: join(folder, "mine.csv"), speed: 1 };
    assert.deepEqual(loads, [{ kind: "open", name: "trace mine x1", arrivals }]);
    await writeFile(join(folder, "mine.csv"), "TIMESTAMP,ContextTokens,GeneratedTokens\nnow,3,4\n");
    await assert.rejects(readWorkloadFile(path), {
      message:
        `${path}:2: loads[0].trace must be a trace: ${
          join(folder, "mine.csv")
        }:2: TIMESTAMP must be a time ` +
        'like 2023-11-16 18:15:46.6805900, got "now"',
    });
    await writeFile(path, "#".repeat(2 ** 20 + 1));
    await assert.rejects(readWorkloadFile(path), /must have at most 1048576 bytes, got 1048577/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

Deno.test("a file that is not there is named", async () => {
  await assert.rejects(
    readWorkloadFile("no/such.yaml"),
    /^StartupError: no\/such.yaml: the workload file can't be read: ENOENT/,
  );
});

Deno.test("the shipped examples are good", async () => {
  const folder = fileURLToPath(new URL("examples", import.meta.url));
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["batch_or_window.yaml", "chat.yaml", "trace_replay.yaml"]);
  for (const name of names) {
    const { mix, loads, variants } = await readWorkloadFile(join(folder, name));
    assert.ok(mix && loads && variants, name);
  }
});

Deno.test("every YAML block of docs/workloads.md is a good workload file", () => {
  const page = new URL("../../docs/workloads.md", import.meta.url);
  const blocks = [...Deno.readTextFileSync(page).matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) =>
    text ?? ""
  );
  assert.ok(blocks.length >= 5, `${blocks.length} blocks`);
  blocks.forEach((text) => parseWorkload(text, "docs/workloads.md"));
});

function classWith(field: string): string {
  return `classes:\n  - name: a\n    output: 1\n    ${field}`;
}

function problemsOf(text: string, path = "f"): readonly string[] {
  try {
    parseWorkload(text, path);
  } catch (thrown) {
    if (thrown instanceof StartupError) return thrown.problems;
    throw thrown;
  }
  return [];
}
