/** What BASE and NEW are: a folder with results, or a variant to measure now, of this checkout or another. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { StartupError } from "../../src/core/errors.ts";
import type { Checkout, Variant } from "../plan.ts";
import { gitState } from "../record/environment.ts";
import { hasRecording } from "../record/recorder.ts";
import { nameOfVariant, parseVariant, type UnnamedVariant } from "../workload/variants.ts";

type Operand =
  | { readonly kind: "results"; readonly folder: string }
  /** `variant` is null where the folder of a checkout was given alone. */
  | { readonly kind: "engine"; readonly variant: UnnamedVariant | null; readonly checkout: string | null };

export type Operands =
  | { readonly kind: "results"; readonly base: string; readonly next: string }
  | { readonly kind: "engines"; readonly base: Variant; readonly next: Variant };

/**
 * `FOLDER`, `MODE,SETTING=VALUE,...`, or either with a checkout: `MODE,...@FOLDER`, or its folder alone, for what the
 * other side says.
 * @throws {StartupError} that names the operand which is wrong
 */
export async function readOperands([base = "", next = ""]: readonly string[]): Promise<Operands> {
  const [left, right] = [readOperand("BASE", base), readOperand("NEW", next)];
  if (left.kind === "results" && right.kind === "results") {
    return { kind: "results", base: left.folder, next: right.folder };
  }
  if (left.kind === "results" || right.kind === "results") {
    throw new StartupError([
      `BASE and NEW must both be folders with results, or both be variants to measure now, got "${base}" and "${next}"`,
    ]);
  }
  const variant = left.variant ?? right.variant;
  if (!variant) {
    throw new StartupError([
      `one of BASE and NEW must say what to measure, like continuous@${base}, got "${base}" and "${next}"`,
    ]);
  }
  const sides = await Promise.all([left, right].map(async ({ variant: own, checkout }) => ({
    ...(own ?? variant),
    ...(checkout === null ? {} : { checkout: await checkoutAt(checkout) }),
  })));
  const names = sides.map((side, at) => {
    const given = [left, right][at]?.checkout;
    return nameOfVariant(side) + (given ? ` @ ${given}` : "");
  });
  const alike = names[0] === names[1];
  const [baseVariant, nextVariant] = sides.map((side, at): Variant => ({
    ...side,
    name: alike ? `${names[at]} (${at === 0 ? "base" : "new"})` : names[at] ?? "",
  }));
  return { kind: "engines", base: baseVariant!, next: nextVariant! };
}

function readOperand(who: "BASE" | "NEW", text: string): Operand {
  if (hasRecording(text)) return { kind: "results", folder: text };
  if (isCheckout(text)) return { kind: "engine", variant: null, checkout: text };
  const [variantText = "", ...rest] = text.split("@");
  const checkout = rest.length === 0 ? null : rest.join("@");
  if (checkout !== null && !isCheckout(checkout)) {
    throw new StartupError([
      `${who} must name a checkout of Omnispan after the @, with deno.json and bench/run/engine.ts, got "${text}"`,
    ]);
  }
  if (checkout === null && (existsSync(text) || /[/\\]/.test(text))) {
    throw new StartupError([
      `${who} must be a folder with environment.json and samples.ndjson.gz, or a variant, got "${text}"`,
    ]);
  }
  try {
    return { kind: "engine", variant: parseVariant(variantText), checkout };
  } catch (thrown) {
    if (!(thrown instanceof StartupError)) throw thrown;
    throw new StartupError(thrown.problems.map((problem) => `${who}: ${problem}`), { cause: thrown });
  }
}

function isCheckout(folder: string): boolean {
  return ["deno.json", "bench/run/engine.ts"].every((path) => existsSync(join(folder, path)));
}

async function checkoutAt(folder: string): Promise<Checkout> {
  const { commit, changed } = await gitState(folder) ?? { commit: null, changed: false };
  return { folder: resolve(folder), commit, changed };
}
