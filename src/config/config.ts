/**
 * The engine's settings. `SETTINGS` is the single source of each one's name, type, range, default and help: the
 * environment, the flags of `serve`, `serve --help` and docs/configuration.md all come from it.
 */
import { parseArgs } from "node:util";
import { StartupError } from "../core/errors.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../logging/logging.ts";
import { MODE_SETTINGS, MODE_TABLE, MODES, type ModeSettings } from "../core/modes/modes.ts";
import { flag, oneOf, type Setting, type SettingTable, wholeNumber } from "../core/setting.ts";

export const SETTINGS = {
  ENGINE_MODE: oneOf(
    MODES,
    "direct",
    `how requests go to the worker: ${anyOf(MODE_TABLE.map(({ summary }) => summary))}`,
  ),
  BIND_HOST: nonEmpty("127.0.0.1", "the address the engine listens on"),
  BIND_PORT: wholeNumber(0, 65535, 50061, "the port the engine listens on for gRPC; 0 takes a free one"),
  HTTP_PORT: portOrOff(
    8080,
    "the port for HTTP (OpenAI's API, metrics, the live page); 0 takes a free one, off opens none",
  ),
  HTTP_BODY_BYTES: wholeNumber(
    1024,
    2 ** 30,
    4 * 2 ** 20,
    "the largest body of an HTTP request; at least MAX_PROMPT_BYTES",
  ),
  HTTP_BODY_TIMEOUT_MS: wholeNumber(
    1,
    3_600_000,
    10_000,
    "how long an HTTP client may take to send the body of its request",
  ),
  HTTP_HEADER_BYTES: wholeNumber(
    1024,
    2 ** 20,
    16 * 2 ** 10,
    "the most bytes in all headers of an HTTP request",
  ),
  HTTP_TIMEOUT_MS: wholeNumber(
    0,
    86_400_000,
    0,
    "the deadline of an HTTP request that names none (header omnispan-timeout-ms); 0 sets none",
  ),
  MAX_CONNECTIONS: wholeNumber(
    1,
    1_000_000,
    1024,
    "connections to each of the two ports at once; the next is closed; lowered where fewer files may be open (ulimit -n)",
  ),
  API_KEYS_FILE: optionalPath("the file of API keys (deno task keys); with it every request needs one"),
  ALLOW_NO_KEYS: flag(false, "listen on an address that other machines reach without API keys"),
  MODE_HINTS: flag(
    true,
    "let a request choose the mode that it is scheduled by; with API_KEYS_FILE the default is false",
  ),
  UNKNOWN_FIELDS: oneOf(
    ["refuse", "ignore"],
    "refuse",
    "an HTTP request with fields that the engine does not know: refuse it, or ignore them and name them in a header of the answer",
  ),
  METRICS_TENANTS: wholeNumber(
    0,
    10_000,
    20,
    "tenants with metrics of their own; the others share one label",
  ),
  TLS_CERT: optionalPath("the certificate chain (PEM) of both ports; with TLS_KEY"),
  TLS_KEY: optionalPath("the private key (PEM) of TLS_CERT"),
  WORKER_ENDPOINT: endpoint(
    "http://127.0.0.1:50071",
    "the Python worker; when given, serve starts none of its own",
  ),
  WORKER_TLS_CA: optionalPath(
    "the certificates (PEM) that a worker at https:// is believed by; without it those that Deno comes with",
  ),
  WORKER_TLS_CLIENT_CERT: optionalPath("the certificate chain (PEM) that the engine shows to such a worker"),
  WORKER_TLS_CLIENT_KEY: optionalPath("the private key (PEM) of WORKER_TLS_CLIENT_CERT"),
  WORKER_PORT: wholeNumber(
    0,
    65535,
    50071,
    "the local port at which serve finds or starts a worker when WORKER_ENDPOINT is not given; 0 takes a free one",
  ),
  WORKER_RPC_TIMEOUT_MS: wholeNumber(
    1,
    86_400_000,
    30_000,
    "how long a request may get no token and no answer while the worker makes no progress with any request",
  ),
  WORKER_ROW_TIMEOUT_MS: wholeNumber(
    1,
    86_400_000,
    600_000,
    "how long a request at the worker may get no token and no answer while the worker goes on with others; at least WORKER_RPC_TIMEOUT_MS",
  ),
  WORKER_SILENCE_MS: wholeNumber(
    1500,
    3_600_000,
    5000,
    "a worker with a session that says nothing for so long hangs; it reports at least once a second",
  ),
  WORKER_WAIT_MS: wholeNumber(
    0,
    3_600_000,
    30_000,
    "how long requests wait for a worker that was lost to come back before they fail",
  ),
  WORKER_TRIES: wholeNumber(
    1,
    100,
    3,
    "how often one request may be sent to a worker; again only while its caller has got no token. The loss of a worker that others shared is no try, unless this is 1",
  ),
  QUEUE_CAPACITY: wholeNumber(
    1,
    1_000_000,
    1024,
    "requests that may wait in each mode's queue; the next of that mode is refused at once",
  ),
  QUEUE_BYTES: wholeNumber(
    1,
    2 ** 40,
    64 * 2 ** 20,
    "bytes of prompts that may wait in each mode's queue; what goes beyond is refused at once; at least MAX_PROMPT_BYTES",
  ),
  REFUSE_LATE: flag(
    true,
    "refuse at once what can't be answered before its deadline, given its mode's queue and answers",
  ),
  ...MODE_SETTINGS,
  DEFAULT_MAX_TOKENS: wholeNumber(1, 1_000_000, 128, "output tokens of a request that gives no max_tokens"),
  MAX_TOKENS_LIMIT: wholeNumber(1, 1_000_000, 4096, "the largest max_tokens a request may give"),
  MAX_PROMPT_BYTES: wholeNumber(1, 64 * 2 ** 20, 256 * 2 ** 10, "the largest prompt, in bytes of UTF-8"),
  STREAM_BUFFER_BYTES: wholeNumber(
    4096,
    2 ** 30,
    256 * 2 ** 10,
    "what a stream holds for a client that does not read; beyond it the stream is cancelled",
  ),
  DRAIN_TIMEOUT_MS: wholeNumber(
    0,
    3_600_000,
    10_000,
    "how long a stop lets accepted requests come to their end before it cancels them",
  ),
  LOG_LEVEL: oneOf(LOG_LEVELS, "info", "the least severe log records that are written"),
  LOG_FORMAT: oneOf(LOG_FORMATS, "text", "log lines for people or, as JSON, for programs"),
  WORKER_BACKEND: oneOf(
    ["auto", "openvino", "mlx", "vllm", "sim"],
    "auto",
    "runtime of the worker that serve starts; auto is mlx on Apple silicon, else openvino",
  ),
  MODEL_ID: nonEmpty(
    "smollm2-135m",
    "model of the worker that serve starts: a hub id, a path, or the built-in name",
  ),
  PYTHON: nonEmpty("auto", "the Python (3.10 or newer) that serve makes the worker's environment with"),
} as const satisfies SettingTable;

/** `a, b or c` */
function anyOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")}, or ${words.at(-1)}`;
}

export type SettingName = keyof typeof SETTINGS;
export type Settings = { readonly [Name in SettingName]: (typeof SETTINGS)[Name]["fallback"] };

/** What the scheduler thread needs of them. */
export type SchedulerSettings = Pick<
  Settings,
  | "ENGINE_MODE"
  | "WORKER_ENDPOINT"
  | "WORKER_TLS_CA"
  | "WORKER_TLS_CLIENT_CERT"
  | "WORKER_TLS_CLIENT_KEY"
  | "WORKER_RPC_TIMEOUT_MS"
  | "WORKER_ROW_TIMEOUT_MS"
  | "WORKER_SILENCE_MS"
  | "WORKER_WAIT_MS"
  | "WORKER_TRIES"
  | "QUEUE_CAPACITY"
  | "QUEUE_BYTES"
  | "REFUSE_LATE"
  | keyof ModeSettings
  | "DRAIN_TIMEOUT_MS"
  | "LOG_LEVEL"
  | "LOG_FORMAT"
>;

/** Where the engine listens, whom it lets in and what it shows them: nothing of how it schedules. */
export const DOOR_SETTINGS = [
  "BIND_HOST",
  "BIND_PORT",
  "HTTP_PORT",
  "HTTP_BODY_BYTES",
  "HTTP_BODY_TIMEOUT_MS",
  "HTTP_HEADER_BYTES",
  "HTTP_TIMEOUT_MS",
  "MAX_CONNECTIONS",
  "API_KEYS_FILE",
  "ALLOW_NO_KEYS",
  "MODE_HINTS",
  "UNKNOWN_FIELDS",
  "METRICS_TENANTS",
  "TLS_CERT",
  "TLS_KEY",
] as const satisfies readonly SettingName[];

const CERTIFICATES = [["TLS_CERT", "TLS_KEY"], ["WORKER_TLS_CLIENT_CERT", "WORKER_TLS_CLIENT_KEY"]] as const;

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export interface ParsedSettings {
  readonly settings: Settings;
  /** The settings that the environment or a flag gave. */
  readonly given: ReadonlySet<SettingName>;
  readonly help: boolean;
}

/**
 * Reads the settings from flags (`--max-batch-size 8`), which win, and the environment (`MAX_BATCH_SIZE=8`;
 * an empty value counts as not given).
 * @throws {StartupError} with one line for each problem.
 */
export function parseSettings(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ParsedSettings {
  const problems: string[] = [];
  const flags = readFlags(args, problems);
  const values: Partial<Record<SettingName, string | number | boolean>> = {};
  const given = new Set<SettingName>();
  for (const name of SETTING_NAMES) {
    const setting: Setting<string | number | boolean> = SETTINGS[name];
    const text = flags.values.get(name) ?? (env[name] || undefined);
    if (text !== undefined) given.add(name);
    const value = text === undefined ? setting.fallback : setting.parse(text);
    if (value === undefined) problems.push(`${name} must be ${setting.rule}, got ${JSON.stringify(text)}`);
    values[name] = value ?? setting.fallback;
  }
  const limit = Number(values.MAX_TOKENS_LIMIT);
  if (!given.has("DEFAULT_MAX_TOKENS")) {
    values.DEFAULT_MAX_TOKENS = Math.min(SETTINGS.DEFAULT_MAX_TOKENS.fallback, limit);
  }
  if (Number(values.DEFAULT_MAX_TOKENS) > limit) {
    problems.push(
      `DEFAULT_MAX_TOKENS must be at most MAX_TOKENS_LIMIT (${limit}), got "${values.DEFAULT_MAX_TOKENS}"`,
    );
  }
  const still = Number(values.WORKER_RPC_TIMEOUT_MS);
  if (!given.has("WORKER_ROW_TIMEOUT_MS")) {
    values.WORKER_ROW_TIMEOUT_MS = Math.max(SETTINGS.WORKER_ROW_TIMEOUT_MS.fallback, still);
  }
  if (Number(values.WORKER_ROW_TIMEOUT_MS) < still) {
    problems.push(
      `WORKER_ROW_TIMEOUT_MS must be at least WORKER_RPC_TIMEOUT_MS (${still}), got "${values.WORKER_ROW_TIMEOUT_MS}"`,
    );
  }
  const longest = Number(values.MAX_PROMPT_BYTES);
  if (!given.has("QUEUE_BYTES")) values.QUEUE_BYTES = Math.max(SETTINGS.QUEUE_BYTES.fallback, longest);
  if (Number(values.QUEUE_BYTES) < longest) {
    problems.push(`QUEUE_BYTES must be at least MAX_PROMPT_BYTES (${longest}), got "${values.QUEUE_BYTES}"`);
  }
  const body = Number(values.HTTP_BODY_BYTES);
  if (!given.has("HTTP_BODY_BYTES")) {
    values.HTTP_BODY_BYTES = Math.max(SETTINGS.HTTP_BODY_BYTES.fallback, longest);
  } else if (body < longest) {
    problems.push(`HTTP_BODY_BYTES must be at least MAX_PROMPT_BYTES (${longest}), got "${body}"`);
  }
  // Several tenants share a mode's promises; who lets them leave it says so.
  if (values.API_KEYS_FILE && !given.has("MODE_HINTS")) values.MODE_HINTS = false;
  for (const [cert, key] of CERTIFICATES) {
    if (!values[cert] !== !values[key]) problems.push(`${cert} and ${key} must be given together`);
  }
  if (problems.length > 0 && !flags.help) throw new StartupError(problems);
  return { settings: values as Settings, given, help: flags.help };
}

export function flagOf(name: SettingName): string {
  return "--" + name.toLowerCase().replaceAll("_", "-");
}

/** `host:port` of an endpoint setting. */
export function addressOf(endpoint: string): string {
  return endpoint.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

/** `host:port`, with an IPv6 host in its brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The settings as lines for `--help`. */
export function settingsHelp(): string {
  return SETTING_NAMES.map((name) => {
    const { fallback, help, rule } = SETTINGS[name];
    return `  ${flagOf(name)}  (${name}, default ${shown(fallback)})\n      ${help}; ${rule}`;
  }).join("\n");
}

/** The settings as the table of docs/configuration.md. */
export function settingsMarkdown(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { fallback, help, rule } = SETTINGS[name];
    return `| \`${name}\` | \`${flagOf(name)}\` | \`${shown(fallback)}\` | ${rule} | ${help} |`;
  });
  return ["| variable | flag | default | must be | meaning |", "|---|---|---|---|---|", ...rows].join("\n");
}

function shown(fallback: string | number | boolean): string {
  return fallback === "" ? "none" : String(fallback);
}

function readFlags(
  args: readonly string[],
  problems: string[],
): { values: Map<SettingName, string>; help: boolean } {
  const byFlag = new Map(SETTING_NAMES.map((name) => [flagOf(name).slice(2), name]));
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries([...byFlag.keys()].map((flag) => [flag, { type: "string" as const }])),
    strict: false,
    tokens: true,
  });
  const values = new Map<SettingName, string>();
  let help = false;
  for (const token of tokens) {
    if (token.kind === "positional") {
      problems.push(`serve takes flags only, got ${JSON.stringify(token.value)}`);
    }
    if (token.kind !== "option") continue;
    const name = byFlag.get(token.name);
    if (token.name === "help" || token.name === "h") help = true;
    else if (!name) problems.push(`${token.rawName} is no flag of serve; serve --help lists them`);
    else if (token.value === undefined) problems.push(`${token.rawName} must be given a value`);
    else values.set(name, token.value);
  }
  return { values, help };
}

function portOrOff(fallback: number, help: string): Setting<number | "off"> {
  const { rule, parse } = wholeNumber(0, 65535, fallback, help);
  return {
    fallback,
    help,
    rule: `${rule}, or off`,
    parse: (text) => text.trim().toLowerCase() === "off" ? "off" : parse(text),
  };
}

function nonEmpty(fallback: string, help: string): Setting<string> {
  return { fallback, help, rule: "a text that is not empty", parse: (text) => text.trim() || undefined };
}

/** The path of a file; empty: none. */
function optionalPath(help: string): Setting<string> {
  return { ...nonEmpty("", help), rule: "the path of a file" };
}

function endpoint(fallback: string, help: string): Setting<string> {
  return {
    fallback,
    help,
    rule: "http://HOST:PORT, https://HOST:PORT (TLS) or HOST:PORT",
    parse(text) {
      const match = /^(https?:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s/:@]+):(\d{1,5})\/?$/.exec(text.trim());
      const port = Number(match?.[3]);
      return match && port >= 1 && port <= 65535 ? `${match[1] ?? "http://"}${match[2]}:${port}` : undefined;
    },
  };
}
