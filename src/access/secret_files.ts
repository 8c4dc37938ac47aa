/** The secret files that settings name. PEM is checked at the start, so that the problem of a bad file names its setting. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import { messageOf, StartupError } from "../core/errors.ts";

const log = getLogger(["omnispan", "access"]);

const READ_BY_ALL = 0o004;
const WRITTEN_BY_GROUP_OR_ALL = 0o022;

/** A setting and the path that it has. */
export interface PemFile {
  readonly setting: string;
  readonly path: string;
}

/** An identity in PEM: a certificate chain and its private key. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads a file of one or more certificates.
 * @throws {StartupError} that names the setting
 */
export function readCertificates(file: PemFile): string {
  const text = readText(file);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw problem(file, "a file with a certificate in PEM", "which has none");
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (cause) {
      const which = blocks.length === 1 ? "its certificate" : `certificate ${index + 1} in it`;
      throw problem(file, "a file with a certificate in PEM", `${which} can't be read`, cause);
    }
  }
  return text;
}

/**
 * Reads a certificate chain and the key of its first certificate, and checks that TLS accepts them.
 * @throws {StartupError} that names the setting
 */
export function readKeyPair(certFile: PemFile, keyFile: PemFile): KeyPair {
  const cert = readCertificates(certFile);
  const key = readText(keyFile);
  const [mark] = /-----BEGIN [A-Z ]*PRIVATE KEY-----(\s+Proc-Type: 4,ENCRYPTED)?/.exec(key) ?? [];
  if (mark === undefined) throw problem(keyFile, "a file with a private key in PEM", "which has none");
  if (mark.includes("ENCRYPTED")) throw problem(keyFile, "a private key without a passphrase");
  const rule = `the private key of ${certFile.setting} "${certFile.path}"`;
  let fits;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw problem(keyFile, rule, "which can't be read", cause);
  }
  if (!fits) throw problem(keyFile, rule, "which is the key of another certificate");
  tryOut(certFile, { cert, key });
  return { cert, key };
}

/** TLS supports fewer kinds of keys than PEM. Without this check another kind would only fail each client later. */
function tryOut(file: PemFile, pair: KeyPair): void {
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair }).close();
  } catch (cause) {
    throw problem(
      file,
      "a certificate that can be used, such as one of RSA or P-256",
      messageOf(cause),
      cause,
    );
  }
}

function readText(file: PemFile): string {
  try {
    return Deno.readTextFileSync(file.path);
  } catch (cause) {
    const why = messageOf(cause).replace(/ \(os error[\s\S]*$/, "");
    throw problem(file, "a file that can be read", why, cause);
  }
}

function problem({ setting, path }: PemFile, rule: string, why = "", cause?: unknown): StartupError {
  return new StartupError([`${setting} must be ${rule}, got "${path}"${why && `: ${why}`}`], { cause });
}

/**
 * Logs a warning when others than the owner may change a secret file, or everybody may read it. A group that may only
 * read it is often the service's own.
 */
export function warnOfExposure(setting: string, path: string): void {
  const mode = modeOf(path);
  if (mode === null || Deno.build.os === "windows") return; // its modes say nothing
  const may = [
    ...(mode & READ_BY_ALL ? ["read"] : []),
    ...(mode & WRITTEN_BY_GROUP_OR_ALL ? ["changed"] : []),
  ];
  if (may.length === 0) return;
  log.warn(
    "{setting} should be its owner's alone (chmod 600), and {path} can be {may} by others: mode {mode}",
    {
      setting,
      path,
      may: may.join(" and "),
      mode: (mode & 0o777).toString(8).padStart(4, "0"),
    },
  );
}

/** Null on systems without modes, and for a file that has gone since it was read: its next reader reports that. */
function modeOf(path: string): number | null {
  try {
    return Deno.statSync(path).mode;
  } catch {
    return null;
  }
}
