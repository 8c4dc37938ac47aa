/** Which engine a client talks to: the flags for it, and what they give. */
import { messageOf } from "../core/errors.ts";
import { type Flag, type FlagValues, text } from "../cli/flag.ts";

export interface Target {
  /** The engine's URL without a slash at its end. */
  readonly url: string;
  readonly apiKey: string | undefined;
  /** PEM; believed beside the system's own. */
  readonly certificates: string | undefined;
}

const URL_FLAG: Flag<string> = {
  fallback: "http://127.0.0.1:8080",
  help: "the engine",
  rule: "http://HOST:PORT, https://HOST:PORT or HOST:PORT",
  variable: "OMNISPAN_URL",
  parse: urlOf,
};

export const TARGET_FLAGS = {
  url: URL_FLAG,
  "key-file": text(
    "the path of a file",
    /\S/,
    "a file that holds nothing but the API key; without it OMNISPAN_API_KEY counts",
  ),
  ca: text(
    "the path of a file",
    /\S/,
    "certificates (PEM) to believe the engine by, beside the system's own; for a private one",
  ),
};

/** Adds a line to `problems` for a file that can't be used. */
export function targetOf(
  values: FlagValues<typeof TARGET_FLAGS>,
  env: Readonly<Record<string, string>>,
  problems: string[],
): Target {
  const { url, "key-file": keyFile, ca } = values;
  const apiKey = keyFile === undefined
    ? env.OMNISPAN_API_KEY?.trim()
    : read("key-file", keyFile, problems)?.trim();
  const from = keyFile === undefined ? "OMNISPAN_API_KEY" : "--key-file";
  if (apiKey && !/^[\x21-\x7e]+$/.test(apiKey)) {
    problems.push(
      `${from} must hold one key of printable ASCII without spaces, got ${apiKey.length} characters`,
    );
  }
  if (keyFile !== undefined && apiKey === "") {
    problems.push(`--key-file must hold one key, got the empty file ${JSON.stringify(keyFile)}`);
  }
  const certificates = ca === undefined ? undefined : read("ca", ca, problems);
  if (certificates !== undefined && !certificates.includes("-----BEGIN CERTIFICATE-----")) {
    problems.push(`--ca must hold certificates in PEM, got ${JSON.stringify(ca)}, which has none`);
  }
  return { url, apiKey: apiKey || undefined, certificates };
}

/** What OpenAI's clients call the base URL, with `/v1`, is understood too. */
function urlOf(text: string): string | undefined {
  const match = /^(https?:\/\/)?((?:\[[0-9a-fA-F:.]+\]|[^\s/:@?#[\]]+)(?::\d{1,5})?)(\/[^\s?#]*)?$/.exec(
    text.trim(),
  );
  const url = match && `${match[1] ?? "http://"}${match[2]}${match[3] ?? ""}`;
  return url && URL.canParse(url) ? url.replace(/\/+$/, "").replace(/\/v1$/, "") : undefined;
}

function read(flag: string, path: string, problems: string[]): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    problems.push(
      `--${flag} must be a file that can be read, got ${JSON.stringify(path)}: ${messageOf(thrown)}`,
    );
    return undefined;
  }
}
