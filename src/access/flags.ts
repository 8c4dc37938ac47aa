/** The flags of `deno task keys`. */
import { isLimit, isNote, isTenant, type LimitName, limitRule, NOTE_RULE, TENANT_RULE } from "./key_file.ts";

export interface Flag {
  /** What stands for its value in the help; empty: it takes none. */
  readonly value: string;
  readonly help: string;
  /** Completes "--flag must be ...". */
  readonly rule: string;
  /** Only for `new`. */
  readonly onlyNew: boolean;
  keeps(text: string): boolean;
}

export const FLAGS = {
  tenant: forNew("NAME", "whose key it is; required", TENANT_RULE, isTenant),
  note: forNew("TEXT", "what it is for", NOTE_RULE, isNote),
  "requests-per-minute": limit("requests_per_minute", "requests in a minute"),
  "tokens-per-minute": limit("tokens_per_minute", "output tokens in a minute"),
  "max-in-flight": limit("max_in_flight", "requests under way at once"),
  "max-tokens": limit("max_tokens", "output tokens of one request"),
  operator: forNew(
    "",
    "it may see the metrics, the live page and what is of all tenants",
    "without a value",
    () => false,
  ),
  file: {
    value: "PATH",
    help: "the key file (default: API_KEYS_FILE, else api-keys.json)",
    rule: "a path",
    onlyNew: false,
    keeps: (text) => text !== "",
  },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;
export const FLAG_NAMES = Object.keys(FLAGS) as FlagName[];

export function isFlag(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

function forNew(value: string, help: string, rule: string, keeps: (text: string) => boolean): Flag {
  return { value, help, rule, onlyNew: true, keeps };
}

function limit(name: LimitName, help: string): Flag {
  const keeps = (text: string) => /^\d{1,15}$/.test(text) && isLimit(name, Number(text));
  return forNew("N", `${help}; without it there is no limit`, limitRule(name), keeps);
}
