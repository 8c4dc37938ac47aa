/**
 * The engine's settings in groups. The tables are the single source of each one's name, type, range, default and help:
 * the environment, the flags of `serve` and `bench`, their help and docs/configuration.md all come from them.
 */
import { flag, oneOf, type Setting, type SettingValues, wholeNumber } from "../core/setting.ts";
import { MODE_SETTINGS, MODE_TABLE, MODES } from "../core/modes/modes.ts";
import { BACKEND_NAMES } from "./backends.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../logging/logging.ts";

/** Where the engine listens, who may ask it, and what callers see; nothing about scheduling. */
export const INGRESS_SETTINGS = {
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
  API_KEYS_FILE: secret("the file of API keys (deno task keys); with it every request needs one"),
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
  TLS_KEY: secret("the private key (PEM) of TLS_CERT"),
} as const;

/** Where the worker is, and how the engine connects to it. */
export const WORKER_SETTINGS = {
  WORKER_ENDPOINT: endpoint(
    "http://127.0.0.1:50071",
    "the Python worker; when given, serve starts none of its own",
  ),
  WORKER_TLS_CA: optionalPath(
    "the certificates (PEM) that a worker at https:// is believed by; without it those that Deno comes with",
  ),
  WORKER_TLS_CLIENT_CERT: optionalPath("the certificate chain (PEM) that the engine shows to such a worker"),
  WORKER_TLS_CLIENT_KEY: secret("the private key (PEM) of WORKER_TLS_CLIENT_CERT"),
} as const;

/** How long the engine waits for a worker, and how often it tries. */
const PATIENCE_SETTINGS = {
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
} as const;

/** What may wait for the worker. */
const QUEUE_SETTINGS = {
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
} as const;

/** What a request may ask for. */
const REQUEST_SETTINGS = {
  DEFAULT_MAX_TOKENS: wholeNumber(1, 1_000_000, 128, "output tokens of a request that gives no max_tokens"),
  MAX_TOKENS_LIMIT: wholeNumber(1, 1_000_000, 4096, "the largest max_tokens a request may give"),
  MAX_PROMPT_BYTES: wholeNumber(1, 64 * 2 ** 20, 256 * 2 ** 10, "the largest prompt, in bytes of UTF-8"),
  STREAM_BUFFER_BYTES: wholeNumber(
    4096,
    2 ** 30,
    256 * 2 ** 10,
    "what a stream holds for a client that does not read; beyond it the stream is cancelled",
  ),
} as const;

/** The process itself: its end and its log. */
const PROCESS_SETTINGS = {
  DRAIN_TIMEOUT_MS: wholeNumber(
    0,
    3_600_000,
    10_000,
    "how long a stop lets accepted requests come to their end before it cancels them",
  ),
  LOG_LEVEL: oneOf(LOG_LEVELS, "info", "the least severe log records that are written"),
  LOG_FORMAT: oneOf(LOG_FORMATS, "text", "log lines for people or, as JSON, for programs"),
} as const;

/** The worker that `serve` finds or starts by itself. */
export const LOCAL_WORKER_SETTINGS = {
  WORKER_PORT: wholeNumber(
    0,
    65535,
    50071,
    "the local port at which serve finds or starts a worker when WORKER_ENDPOINT is not given; 0 takes a free one",
  ),
  WORKER_BACKEND: oneOf(
    ["auto", ...BACKEND_NAMES],
    "auto",
    "runtime of the worker that serve starts; auto is mlx on Apple silicon, else openvino",
  ),
  MODEL_ID: nonEmpty(
    "smollm2-135m",
    "model of the worker that serve starts: a hub id, a path, or the built-in name",
  ),
  PYTHON: nonEmpty("auto", "the Python (3.10 or newer) that serve makes the worker's environment with"),
} as const;

const ENGINE_MODE = {
  ENGINE_MODE: oneOf(
    MODES,
    MODES[0],
    `how requests go to the worker: ${anyOf(MODE_TABLE.map(({ summary }) => summary))}`,
  ),
} as const;

/** All settings, under the headings that help and docs give them. */
export const GROUPS = {
  "Scheduling": { ...ENGINE_MODE, ...MODE_SETTINGS, ...QUEUE_SETTINGS },
  "Requests": REQUEST_SETTINGS,
  "Ingress": INGRESS_SETTINGS,
  "Worker": { ...WORKER_SETTINGS, ...PATIENCE_SETTINGS },
  "The worker that serve starts": LOCAL_WORKER_SETTINGS,
  "Stop and log": PROCESS_SETTINGS,
} as const;

/** The settings of the scheduler thread. */
const SCHEDULER_SETTINGS = { ...GROUPS.Scheduling, ...GROUPS.Worker, ...PROCESS_SETTINGS };

export const SETTINGS = {
  ...SCHEDULER_SETTINGS,
  ...REQUEST_SETTINGS,
  ...INGRESS_SETTINGS,
  ...LOCAL_WORKER_SETTINGS,
};

export type SettingName = keyof typeof SETTINGS;
export type Settings = SettingValues<typeof SETTINGS>;
export type SchedulerSettings = SettingValues<typeof SCHEDULER_SETTINGS>;

export const SETTING_NAMES = Object.values(GROUPS).flatMap(Object.keys) as SettingName[];
/** The settings whose files only their owner should read. */
export const SECRET_FILES = SETTING_NAMES.filter((name) => "secret" in SETTINGS[name]) as SecretFile[];
type SecretFile = {
  [Name in SettingName]: (typeof SETTINGS)[Name] extends { readonly secret: true } ? Name : never;
}[SettingName];

/** `--max-batch-size` of MAX_BATCH_SIZE. */
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

/** Words as "a, b, or c". */
function anyOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")}, or ${words.at(-1)}`;
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

/** The path of a file; empty means none. */
function optionalPath(help: string): Setting<string> {
  return { ...nonEmpty("", help), rule: "the path of a file" };
}

/** As `optionalPath`, for a file that holds a secret. */
function secret(help: string): Setting<string> & { readonly secret: true } {
  return { ...optionalPath(help), secret: true };
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
