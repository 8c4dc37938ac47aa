import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { StartupError } from "../../src/core/errors.ts";
import { hasCommand } from "../../tests/support/commands.ts";
import { environmentOf } from "../../tests/support/bench/environment.ts";
import { Recorder } from "../record/recorder.ts";
import { readOperands } from "./operand.ts";

/** This checkout is one as good as another. */
const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

Deno.test("two variants are measured under their names", async () => {
  assert.deepEqual(await readOperands(["micro_batch,BATCH_WINDOW_MS=200", "direct"]), {
    kind: "engines",
    base: {
      name: "micro_batch BATCH_WINDOW_MS=200",
      mode: "micro_batch",
      settings: { BATCH_WINDOW_MS: 200 },
    },
    next: { name: "direct", mode: "direct", settings: {} },
  });
});

Deno.test("a variant against itself gets two names, to show what is noise", async () => {
  const operands = await readOperands(["direct", "direct"]);
  assert.ok(operands.kind === "engines");
  assert.deepEqual([operands.base.name, operands.next.name], ["direct (base)", "direct (new)"]);
});

Deno.test("the engine of a checkout is measured as the text before the @ says, or the other side", async () => {
  for (const base of [`queued@${CHECKOUT}`, CHECKOUT]) {
    const operands = await readOperands([base, "queued"]);
    assert.ok(operands.kind === "engines");
    assert.equal(operands.base.name, `queued @ ${CHECKOUT}`);
    assert.equal(operands.base.mode, "queued");
    assert.equal(join(operands.base.checkout!.folder, "."), join(CHECKOUT, "."));
    assert.equal(operands.next.checkout, undefined);
  }
});

Deno.test("a checkout's commit is told, and whether its files are those of it", {
  ignore: !hasCommand("git"),
}, async () => {
  const folder = await Deno.makeTempDir();
  const git = async (...args: string[]) => {
    const asAuthor = ["-c", "user.name=a", "-c", "user.email=a@b", "-C", folder];
    assert.ok(
      (await new Deno.Command("git", { args: [...asAuthor, ...args], stdout: "null" }).output()).success,
    );
  };
  const checkout = async () => {
    const operands = await readOperands([`direct@${folder}`, "direct"]);
    assert.ok(operands.kind === "engines");
    return operands.base.checkout;
  };
  await Deno.mkdir(join(folder, "bench/run"), { recursive: true });
  for (const path of ["deno.json", "bench/run/engine.ts"]) await Deno.writeTextFile(join(folder, path), "{}");
  assert.deepEqual(await checkout(), { folder, commit: null, changed: false });
  await git("init", "--quiet");
  await git("add", ".");
  await git("commit", "--quiet", "--message", "one");
  const committed = await checkout();
  assert.match(committed?.commit ?? "", /^[0-9a-f]{40}$/);
  assert.equal(committed?.changed, false);
  await Deno.writeTextFile(join(folder, "deno.json"), "{ }");
  assert.deepEqual(await checkout(), { ...committed, changed: true });
});

Deno.test("folders with results are compared as they are", async () => {
  const folder = await resultsFolder();
  assert.deepEqual(await readOperands([folder, folder]), { kind: "results", base: folder, next: folder });
});

Deno.test("what is neither is refused by side, rule and value", async () => {
  const results = await resultsFolder();
  const empty = await Deno.makeTempDir();
  await refused([empty, "direct"], `BASE must be a folder with .* or a variant, got "${empty}"$`);
  await refused([results, "results/none"], '^NEW must be a folder with .* got "results/none"$');
  await refused([results, "direct"], "must both be folders with results, or both be variants");
  await refused(["direct", "fast"], '^NEW: a variant must begin with one of .* got "fast"$');
  await refused(["direct,NOISE=1", "direct"], "^BASE: .*NOISE");
  await refused([`direct@${empty}`, "direct"], "^BASE must name a checkout of Omnispan after the @");
  await refused([CHECKOUT, CHECKOUT], "one of BASE and NEW must say what to measure, like continuous@");
});

async function refused(operands: readonly string[], problem: string): Promise<void> {
  await assert.rejects(readOperands(operands), (thrown) => {
    assert.ok(thrown instanceof StartupError);
    assert.match(thrown.message, new RegExp(problem));
    return true;
  });
}

async function resultsFolder(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await using _recorder = new Recorder(folder, environmentOf());
  return folder;
}
