import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** What a client has to know of the certificate that it is shown. */
export interface CertificateHints {
  /** The host to dial: the certificate bears its name. */
  readonly host: string;
  /** It is its own authority: who believes the file believes it. */
  readonly selfSigned: boolean;
}

/** Of the first certificate in a PEM text; `host` is how a client would dial without it. */
export function certificateHints(pem: string, host: string): CertificateHints {
  const leaf = new X509Certificate(pem);
  const bears = isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host);
  const [, name] = /(?:^|, )DNS:([^*,]+)/.exec(leaf.subjectAltName ?? "") ?? [];
  return { host: bears === undefined ? name ?? host : host, selfSigned: leaf.checkIssued(leaf) };
}
