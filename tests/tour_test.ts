/** What docs/tour.md says a new scheduling mode costs, done in a copy of the sources. */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { basename, join } from "node:path";
import { ROOT } from "./support/serve.ts";

/** What is type-checked and run, and what that reads. */
const COPIED = [
  "bench",
  "deno.json",
  "deno.lock",
  "docs",
  "imports.json",
  "proto",
  "src",
  "tests",
  "worker/backends.json",
];
const LEFT_OUT = ["results", "node_modules", "pictures"];
/** Of each step on a machine that has other work too. */
const STEP_MS = 240_000;

/** Requests leave two by two; one that has waited too long leaves alone. */
const PAIRS = `
import { wholeNumber } from "../setting.ts";
import { defineMode, IDLE } from "./mode.ts";

export const pairs = defineMode({
  name: "pairs",
  summary: "two by two",
  settings: { PAIR_WAIT_MS: wholeNumber(0, 60_000, 20, "pairs: how long a request waits for a second one") },
  reasons: { pair: "two were waiting", alone: "no second one had come in time" },
  isWindowed: true,
  tellsQueueWait: false,
  policy: ({ PAIR_WAIT_MS }) => ({
    decide({ depth, oldestReceivedAt }, now) {
      if (depth === 0) return IDLE;
      if (depth >= 2) return { kind: "dispatch", take: 2, reason: "pair" };
      const dueAt = oldestReceivedAt + PAIR_WAIT_MS;
      return now >= dueAt ? { kind: "dispatch", take: 1, reason: "alone", dueAt } : { kind: "wait", until: dueAt };
    },
  }),
  law: ({ PAIR_WAIT_MS }) => ({
    maxRunning: Infinity,
    maxGroup: 2,
    maxGroups: Infinity,
    fullAt: 2,
    windowMs: PAIR_WAIT_MS,
    whenIdle: false,
    reasons: ["pair", "alone"],
  }),
  shape: ({ PAIR_WAIT_MS }) => \`wait \${PAIR_WAIT_MS} ms\`,
  candidates: () => [0, 20].map((PAIR_WAIT_MS) => ({ PAIR_WAIT_MS })),
});
`;

Deno.test("a scheduling mode is one file, its line in the table and the contract's names for its reasons", async () => {
  const copy = await Deno.makeTempDir({ prefix: "omnispan-tour-" });
  try {
    for (const path of COPIED) {
      await cp(join(ROOT, path), join(copy, path), {
        recursive: true,
        filter: (source) => !LEFT_OUT.includes(basename(source)),
      });
    }
    const run = (...args: string[]) => deno(copy, args);

    await Deno.writeTextFile(join(copy, "src/core/modes/pairs.ts"), PAIRS);
    await edit(join(copy, "src/core/modes/modes.ts"), [
      [`import { queued } from "./queued.ts";`, `import { pairs } from "./pairs.ts";\n$&`],
      ["microBatch, continuous] as const", "microBatch, continuous, pairs] as const"],
    ]);
    await edit(join(copy, "proto/omnispan.proto"), [
      ["  DISPATCH_REASON_GATE = 6;", "  DISPATCH_REASON_PAIR = 90;\n  DISPATCH_REASON_ALONE = 91;\n$&"],
    ]);
    await run("task", "proto");
    await run("task", "docs");

    await run("check", "--quiet", "--lock=deno.lock", "--frozen", "src", "bench", "tests", "docs");
    const help = await run("run", "-A", "--lock=src/deno.lock", "src/main.ts", "--help");
    assert.match(help, /--pair-wait-ms[\s\S]*how long a request waits for a second one/);
    assert.match(help, /or two by two; one of\s+direct, queued, micro_batch, continuous, pairs/);
    assert.match(await Deno.readTextFile(join(copy, "docs/configuration.md")), /`PAIR_WAIT_MS`/);
    const simulated = await run(
      ...["run", "-A", "--lock=deno.lock", "tests/simulator/main.ts"],
      ...["--seed", "1", "--runs", "40", "--counts"],
    );
    assert.match(simulated, /40 runs, .*no promise broke/);
    for (const reason of ["pair", "alone"]) {
      const [, times] = new RegExp(`^sent: ${reason} (\\d+)$`, "m").exec(simulated) ?? [];
      assert.ok(Number(times) > 10, `groups that left because of ${reason}: ${times}\n${simulated}`);
    }
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
});

/** Replaces each first text by its second, in which `$&` stands for the first. */
async function edit(path: string, replacements: readonly (readonly [string, string])[]): Promise<void> {
  let text = await Deno.readTextFile(path);
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `${path} has no ${from}`);
    text = text.replace(from, to);
  }
  await Deno.writeTextFile(path, text);
}

/** The output of a command that must succeed. */
async function deno(cwd: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(STEP_MS),
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.ok(success, `deno ${args.join(" ")}\n${out}\n${err}`);
  return out!;
}
