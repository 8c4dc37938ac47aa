/** What `serve` prints once it serves, and its help. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { addressOf, flagOf, hostAndPort, type SettingName, type Settings } from "../config/config.ts";
import { settingsHelp } from "../config/parse.ts";
import { modeOf, MODES } from "../core/modes/modes.ts";
import type { WorkerSource } from "./find_worker.ts";
import { describeIdentity, type SaidIdentity } from "./follow_worker.ts";

export const HELP = `Usage: deno task serve [FLAGS]

Starts the engine, and a local worker with a small model unless a worker is given or already there.

Examples:
  deno task serve
  deno task serve ${modeExample()}
  deno task serve --worker-endpoint http://10.0.0.7:50071

Each setting is a flag and an environment variable; the flag wins.

${settingsHelp()}`;

/** The flags of a mode that has settings of its own, with values that are worth a try. */
function modeExample(): string {
  const { name, candidates } = MODES.map(modeOf).find(({ isWindowed }) => isWindowed) ?? modeOf(MODES[0]);
  const settings = Object.entries(candidates(32).at(-1) ?? {});
  const flags = settings.map(([setting, value]) => `${flagOf(setting as SettingName)} ${value}`);
  return [`--engine-mode ${name}`, ...flags].join(" ");
}

/** The worker behind the engine. */
export type ServingWorker = Exclude<WorkerSource, { kind: "none" }> | {
  readonly kind: "local";
  readonly identity: SaidIdentity;
};

/** The ports that the engine got. */
export interface Ports {
  readonly grpc: number;
  /** Undefined when HTTP is off. */
  readonly http: number | undefined;
}

/** The lines that show a newcomer where the engine listens and how to ask it something. */
export function greeting(settings: Settings, ports: Ports, worker: ServingWorker): string {
  const host = reachableHost(settings.BIND_HOST);
  const asked = howToAsk(settings, host);
  return [
    "",
    `Omnispan serves on ${hostAndPort(host, ports.grpc)} in ${settings.ENGINE_MODE} mode.`,
    `Its worker: ${describe(worker, addressOf(settings.WORKER_ENDPOINT))}`,
    "",
    ...(ports.http === undefined ? [] : overHttp(asked, ports.http)),
    ...overGrpc(asked, ports.grpc),
    ...asked.hint,
    "",
    worker.kind === "local" ? "Ctrl-C ends the engine and its worker." : "Ctrl-C ends the engine.",
  ].join("\n");
}

/** What the lines to paste have in common. */
interface HowToAsk {
  readonly host: string;
  readonly scheme: "http" | "https";
  /** Options of curl and of grpcurl, each followed by a space. */
  readonly curl: string;
  readonly grpcurl: string;
  readonly hint: readonly string[];
}

function howToAsk({ TLS_CERT, API_KEYS_FILE }: Settings, host: string): HowToAsk {
  const key = API_KEYS_FILE ? `-H "authorization: Bearer $OMNISPAN_API_KEY" ` : "";
  if (!TLS_CERT) return { host, scheme: "http", curl: key, grpcurl: `-plaintext ${key}`, hint: [] };
  const shown = certificateHints(Deno.readTextFileSync(TLS_CERT), host);
  const file = `'${TLS_CERT.replaceAll("'", `'\\''`)}'`;
  return {
    host: shown.host,
    scheme: "https",
    curl: (shown.selfSigned ? `--cacert ${file} ` : "") + key,
    grpcurl: (shown.selfSigned ? `-cacert ${file} ` : "") + key,
    hint: shown.selfSigned
      ? []
      : ["Where the certificate's authority is private: curl --cacert FILE, grpcurl -cacert FILE."],
  };
}

function overHttp({ scheme, host, curl }: HowToAsk, port: number): string[] {
  const url = `${scheme}://${hostAndPort(host, port)}`;
  const ask =
    `-H 'content-type: application/json' -d '{"messages":[{"role":"user","content":"Why is the sky blue?"}]}'`;
  return [
    `See it: ${url}/   Ask it as OpenAI's clients do, at ${url}/v1:`,
    `  curl ${curl}${url}/v1/chat/completions ${ask}`,
  ];
}

function overGrpc({ host, grpcurl }: HowToAsk, port: number): string[] {
  const ask = `-d '{"prompt":"Why is the sky blue?","max_tokens":64}' ${hostAndPort(host, port)} ` +
    "omnispan.Engine/SubmitGenerate";
  return [
    "or over gRPC (here, with the contract from its file):",
    `  grpcurl ${grpcurl}-import-path proto -proto omnispan.proto ${ask}`,
    "or (anywhere, with the contract from the engine):",
    `  grpcurl ${grpcurl}${ask}`,
  ];
}

function describe(worker: ServingWorker, address: string): string {
  const { identity } = worker;
  const who = identity ? `${describeIdentity(identity)}, at ${address}` : `the one at ${address}`;
  const note = identity?.simulated ? " No model runs, and times come from a profile." : "";
  const unsaid = identity ? "" : "; it does not say its backend and model";
  const absent = "until it does requests get worker_unavailable.";
  switch (worker.kind) {
    case "local":
      return `${who}, started by serve.${note}`;
    case "found":
      return worker.ready
        ? `${who}, which was already running; serve started none${unsaid}.${note}`
        : `${who}, which is there and does not serve yet; ${absent}`;
    case "given":
      return worker.ready
        ? `${who} (WORKER_ENDPOINT); serve started none${unsaid}.${note}`
        : `${who} (WORKER_ENDPOINT), which does not serve yet; ${absent} The engine connects by itself.`;
    default:
      return worker satisfies never;
  }
}

/** A host that a client on this machine can dial when the engine listens on all. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** What a client has to know about the certificate of the engine. */
interface CertificateHints {
  /** The host to dial, which the certificate names. */
  readonly host: string;
  /** The file itself is the authority that a client has to trust. */
  readonly selfSigned: boolean;
}

/** Reads the first certificate in a PEM text; `host` is what a client would dial without TLS. */
function certificateHints(pem: string, host: string): CertificateHints {
  const leaf = new X509Certificate(pem);
  const bears = isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host);
  const [, name] = /(?:^|, )DNS:([^*,]+)/.exec(leaf.subjectAltName ?? "") ?? [];
  return { host: bears === undefined ? name ?? host : host, selfSigned: leaf.checkIssued(leaf) };
}
