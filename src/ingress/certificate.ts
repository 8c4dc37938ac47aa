import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { messageOf, StartupError } from "../errors.ts";
import type { Settings } from "../config.ts";

/** What both doors show to their clients, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * The certificate of the settings, checked before a port opens; undefined when there is none.
 * @throws {StartupError} that names the setting
 */
export async function readCertificate(
  { TLS_CERT, TLS_KEY }: Pick<Settings, "TLS_CERT" | "TLS_KEY">,
): Promise<Certificate | undefined> {
  if (TLS_CERT === "") return undefined;
  const [cert, key] = await Promise.all([readPem("TLS_CERT", TLS_CERT), readPem("TLS_KEY", TLS_KEY)]);
  let leaf;
  try {
    leaf = new X509Certificate(cert);
  } catch (cause) {
    throw new StartupError([`TLS_CERT must be a PEM certificate, got ${TLS_CERT}: ${messageOf(cause)}`], {
      cause,
    });
  }
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error("it is the key of another certificate");
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new StartupError([
      `TLS_KEY must be the private key of TLS_CERT, got ${TLS_KEY}: ${messageOf(cause)}`,
    ], {
      cause,
    });
  }
  return { cert, key };
}

async function readPem(name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new StartupError([`${name} must be a file that can be read, got ${path}: ${messageOf(cause)}`], {
      cause,
    });
  }
}
