/** A key as its owner holds it, `omk_<id>_<secret>`, and the hash of it that the engine keeps. */
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const SECRET_BYTES = 32;
const ID_BYTES = 4;

/** The last letter of 32 bytes in base64url carries four bits, which leaves these. */
const KEY = /^omk_([a-z0-9]{1,32})_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Compared with when no key has the id. It is the hash of nothing that has the form of a key. */
export const NO_HASH: Buffer = Buffer.alloc(32);

export function newKeyId(): string {
  return `k${randomBytes(ID_BYTES).toString("hex")}`;
}

export function newKeyText(id: string): string {
  return `omk_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
}

/** Undefined when the text has not the form of a key. */
export function idOf(keyText: string): string | undefined {
  return KEY.exec(keyText)?.[1];
}

/**
 * SHA-256 of the whole text. A slow password hash would add nothing: the secret is 256 random bits, which nobody can
 * guess, however fast the hash.
 */
export function hashOf(keyText: string): Buffer {
  return createHash("sha256").update(keyText).digest();
}

/** Takes as long whether or not they are equal. */
export function sameHash(one: Buffer, other: Buffer): boolean {
  return timingSafeEqual(one, other);
}

/** As it stands in the key file. */
export function writtenHash(hash: Buffer): string {
  return `sha256:${hash.toString("hex")}`;
}

/** Of a text that the key file's rules were held against. */
export function readHash(written: string): Buffer {
  return Buffer.from(written.slice("sha256:".length), "hex");
}
