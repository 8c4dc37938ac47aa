/** The command line of `deno task keys`. */
import {
  flagsHelp,
  type Operands,
  readCommandLine,
  subcommandOf,
  unknownCommand,
} from "../cli/command_line.ts";
import { type Flag, type FlagTable, text, whole, yes } from "../cli/flag.ts";
import { StartupError } from "../core/errors.ts";
import {
  isNote,
  isTenant,
  type KeyLimits,
  LIMIT_MAXIMA,
  LIMIT_NAMES,
  type LimitName,
  NOTE_RULE,
  TENANT_RULE,
} from "./key_file.ts";

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

/** The flags of every command. */
const FILE = {
  file: {
    ...text("a path", /[^]/, "the key file"),
    fallback: "api-keys.json",
    value: "PATH",
    variable: "API_KEYS_FILE",
  } as Flag<string>,
};

/** The flags of `new` beside them. */
const NEW = {
  tenant: line("NAME", "whose key it is; required", TENANT_RULE, isTenant),
  note: line("TEXT", "what it is for", NOTE_RULE, isNote),
  "requests-per-minute": limit("requests_per_minute", "requests in a minute"),
  "tokens-per-minute": limit("tokens_per_minute", "output tokens in a minute"),
  "max-in-flight": limit("max_in_flight", "requests under way at once"),
  "max-tokens": limit("max_tokens", "output tokens of one request"),
  operator: yes("it may see the metrics, the live page and what is of all tenants"),
};

const FLAGS = { ...NEW, ...FILE };
const COMMANDS = ["new", "list", "revoke"] as const;
const ONE_ID: Operands = { least: 1, most: 1, rule: "takes the id of one key (keys list shows them)" };

export const HELP = `Usage: deno task keys new --tenant NAME [FLAGS]
       deno task keys list [--file PATH]
       deno task keys revoke ID [--file PATH]

Makes, lists and revokes the API keys of an engine that runs with API_KEYS_FILE. A running engine follows the file:
a change counts within two seconds.

  new      adds a key to the file, and prints it alone on stdout, this once: the file has only its hash
  list     shows what the file has
  revoke   takes a key out of the file

Examples:
  deno task keys new --tenant alice --note laptop --requests-per-minute 60
  deno task keys new --tenant ops --operator --file /etc/omnispan/keys.json
  deno task keys revoke k1a2b3c4d

Flags:
${flagsHelp(FILE)}

Flags of new:
${flagsHelp(NEW)}

Exit codes: 0 done, 1 could not be done, 2 wrong use.`;

/**
 * Reads the command line.
 * @throws {StartupError} with one line for each problem
 */
export function parseCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Command | "help" {
  const { name, word, rest, help } = subcommandOf(COMMANDS, FLAGS, args);
  if (help) return "help";
  if (!name) throw new StartupError([unknownCommand("keys", COMMANDS, word)]);
  const { values, typed, operands, problems } = readCommandLine(
    {
      name: `keys ${name}`,
      flags: (name === "new" ? FLAGS : FILE) as typeof FLAGS,
      ...(name === "revoke" && { operands: ONE_ID }),
      once: true,
      others: { flags: NEW as FlagTable, why: () => `is no flag of keys ${name}, only of keys new` },
    },
    rest,
    env,
  );
  if (name === "new" && !typed.has("tenant")) problems.push(`--tenant must be ${TENANT_RULE}, got nothing`);
  if (problems.length > 0) throw new StartupError(problems);
  const path = values.file;
  switch (name) {
    case "new":
      return { name, path, key: newKey(values) };
    case "list":
      return { name, path };
    case "revoke":
      return { name, path, id: operands[0] ?? "" };
    default:
      return name satisfies never;
  }
}

function newKey(
  { tenant = "", note, operator, ...values }: {
    readonly [Name in keyof typeof FLAGS]: (typeof FLAGS)[Name]["fallback"];
  },
): NewKey {
  const limits = LIMIT_NAMES.flatMap((name) => {
    const given = values[name.replaceAll("_", "-") as keyof typeof values];
    return given === undefined ? [] : [[name, given] as const];
  });
  return { tenant, note, limits: Object.fromEntries(limits), operator };
}

function line(
  value: string,
  help: string,
  rule: string,
  keeps: (text: string) => boolean,
): Flag<string | undefined> {
  return { fallback: undefined, value, help, rule, parse: (text) => keeps(text) ? text : undefined };
}

function limit(name: LimitName, help: string): Flag<number | undefined> {
  return { ...whole(1, LIMIT_MAXIMA[name], undefined, `${help}; without it there is no limit`), value: "N" };
}
