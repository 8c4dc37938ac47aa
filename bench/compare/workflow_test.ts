/** What docs/compare.md says is so. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { helpText, parseCommand } from "../cli/command.ts";
import { parseLimits } from "./gate.ts";

const PAGE = await Deno.readTextFile(fileURLToPath(new URL("../../docs/compare.md", import.meta.url)));

interface Workflow {
  readonly on: string;
  readonly jobs: Readonly<
    Record<string, {
      readonly "runs-on": string;
      readonly env: Readonly<Record<string, string>>;
      readonly strategy: { readonly matrix: { readonly profile: readonly string[] } };
      readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
    }>
  >;
}

Deno.test("the workflow is YAML, and its command is one that the bench takes", () => {
  const [, text = ""] = /^```yaml\n([\s\S]*?)^```/m.exec(PAGE) ?? [];
  const { on, jobs } = parse(text) as Workflow;
  assert.equal(on, "pull_request");
  const job = jobs.compare;
  assert.ok(job);
  assert.deepEqual(job.strategy.matrix.profile, ["a40", "null"]);
  assert.equal(job.env.WORKER_BACKEND, "sim");
  assert.ok(job.steps.every(({ uses, run }) => (uses === undefined) !== (run === undefined)));
  const commands = job.steps.flatMap(({ run }) => run?.startsWith("deno ") ? [run] : []);
  assert.equal(commands.length, 1);
  const command = checked(commands[0]!);
  assert.equal(command.values["fail-on"].length, 2);
  const { out } = command.values;
  assert.ok(job.steps.some(({ run }) => run?.includes(`${out}/compare.md`)));
});

Deno.test("the commands on the page are ones that the bench takes", () => {
  const [, block = ""] = /^```sh\n([\s\S]*?)^```/m.exec(PAGE) ?? [];
  const lines = block.trim().split("\n");
  assert.equal(lines.length, 3);
  lines.forEach(checked);
});

Deno.test("the limits on the page are ones that --fail-on takes, but for the one that is said to be refused", () => {
  const limits = [...PAGE.matchAll(/`([a-z_0-9]+[<>][^`]+)`/g)].map(([, limit]) => limit!);
  assert.ok(limits.length > 6);
  assert.throws(
    () => parseLimits(limits),
    (thrown: Error) => /^[^\n]*got "ttft_p95<-10%"$/.test(thrown.message),
  );
});

/** As a shell would pass it. */
function checked(line: string) {
  assert.match(line, /^deno task bench compare /);
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const command = parseCommand(words.slice(3), {});
  assert.ok("name" in command && command.name === "compare");
  for (const flag of command.given) assert.ok(new RegExp(`--${flag}\\s`).test(helpText("compare")), flag);
  parseLimits(command.values["fail-on"]);
  return command;
}
