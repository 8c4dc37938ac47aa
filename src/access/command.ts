/** The command line of `deno task keys`. */
import { parseArgs } from "node:util";
import { StartupError } from "../core/errors.ts";
import { FLAG_NAMES, type FlagName, FLAGS, isFlag } from "./flags.ts";
import { type KeyLimits, LIMIT_NAMES } from "./key_file.ts";

export interface NewKey {
  readonly tenant: string;
  readonly note: string | undefined;
  readonly limits: KeyLimits;
  readonly operator: boolean;
}

export type Command =
  | { readonly name: "new"; readonly path: string; readonly key: NewKey }
  | { readonly name: "list"; readonly path: string }
  | { readonly name: "revoke"; readonly path: string; readonly id: string };

const COMMANDS = ["new", "list", "revoke"] as const;
const DEFAULT_PATH = "api-keys.json";

export const HELP = `Usage: deno task keys new --tenant NAME [FLAGS]
       deno task keys list [--file PATH]
       deno task keys revoke ID [--file PATH]

Makes, lists and revokes the API keys of an engine that runs with API_KEYS_FILE. A running engine follows the file:
a change counts within two seconds.

  new      adds a key to the file, and prints it alone on stdout, this once: the file has only its hash
  list     shows what the file has
  revoke   takes a key out of the file

${FLAG_NAMES.map(flagHelp).join("\n")}

Exit codes: 0 done, 1 could not be done, 2 wrong use.`;

function flagHelp(name: FlagName): string {
  const { value, help, rule, onlyNew } = FLAGS[name];
  const head = `  --${name}${value && ` ${value}`}`;
  return `${head}${onlyNew ? " (new)" : ""}\n      ${help}${value === "" ? "" : `; ${rule}`}`;
}

/**
 * Reads the command line.
 * @throws {StartupError} with one line for each problem
 */
export function parseCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Command | "help" {
  const tokens = tokensOf(args);
  const words = tokens.flatMap((token) => token.kind === "positional" ? [token.value] : []);
  if (words[0] === "help" || tokens.some((token) => token.kind === "option" && isHelp(token.name))) {
    return "help";
  }
  const [first = "", ...operands] = words;
  const name = COMMANDS.find((command) => command === first);
  if (!name) {
    const got = JSON.stringify(first);
    throw new StartupError([`keys needs one of ${COMMANDS.join(", ")}, got ${got}; keys --help tells more`]);
  }
  const problems: string[] = [];
  const flags = new Map<FlagName, string>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const problem = problemOf(token, name);
    if (problem !== undefined) problems.push(problem);
    else if (!isFlag(token.name)) continue;
    else if (flags.has(token.name)) problems.push(`${token.rawName} must be given once, got it again`);
    else flags.set(token.name, token.value ?? "");
  }
  const expected = name === "revoke" ? 1 : 0;
  if (operands.length !== expected) {
    const rule = name === "revoke" ? "the id of one key (keys list shows them)" : "flags only";
    problems.push(`keys ${name} takes ${rule}, got ${JSON.stringify(operands.join(" "))}`);
  }
  if (name === "new" && !tokens.some((token) => token.kind === "option" && token.name === "tenant")) {
    problems.push(`--tenant must be ${FLAGS.tenant.rule}, got nothing`);
  }
  if (problems.length > 0) throw new StartupError(problems);
  const path = flags.get("file") ?? (env["API_KEYS_FILE"] || DEFAULT_PATH);
  switch (name) {
    case "new":
      return { name, path, key: newKey(flags) };
    case "list":
      return { name, path };
    case "revoke":
      return { name, path, id: operands[0] ?? "" };
    default:
      return name satisfies never;
  }
}

type Token = ReturnType<typeof tokensOf>[number];

function tokensOf(args: readonly string[]) {
  const options = Object.fromEntries(
    FLAG_NAMES.map((
      name,
    ) => [name, { type: FLAGS[name].value === "" ? "boolean" as const : "string" as const }]),
  );
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}

function isHelp(name: string): boolean {
  return name === "help" || name === "h";
}

function problemOf(
  { name, rawName, value }: Extract<Token, { kind: "option" }>,
  command: Command["name"],
): string | undefined {
  if (!isFlag(name)) return `${rawName} is no flag of keys; keys --help lists them`;
  const flag = FLAGS[name];
  if (flag.onlyNew && command !== "new") return `${rawName} is no flag of keys ${command}, only of keys new`;
  const takesValue = flag.value !== "";
  // A value that looks like a flag is the next flag: the value itself was forgotten.
  if (takesValue ? flag.keeps(value ?? "") && !value?.startsWith("--") : value === undefined) {
    return undefined;
  }
  return `${rawName} must be ${flag.rule}, got ${value === undefined ? "nothing" : JSON.stringify(value)}`;
}

function newKey(flags: ReadonlyMap<FlagName, string>): NewKey {
  const limits = LIMIT_NAMES.flatMap((name) => {
    const given = flags.get(name.replaceAll("_", "-") as FlagName);
    return given === undefined ? [] : [[name, Number(given)] as const];
  });
  return {
    tenant: flags.get("tenant") ?? "",
    note: flags.get("note"),
    limits: Object.fromEntries(limits),
    operator: flags.has("operator"),
  };
}
