import type { Settings } from "../config/config.ts";
import { type KeyPair, readKeyPair } from "../access/secret_files.ts";

/**
 * What both doors show to their clients, checked before a port opens; undefined when there is none. It is read once.
 * @throws {StartupError} that names the setting
 */
export function readCertificate(
  { TLS_CERT, TLS_KEY }: Pick<Settings, "TLS_CERT" | "TLS_KEY">,
): KeyPair | undefined {
  if (TLS_CERT === "") return undefined;
  return readKeyPair({ setting: "TLS_CERT", path: TLS_CERT }, { setting: "TLS_KEY", path: TLS_KEY });
}
