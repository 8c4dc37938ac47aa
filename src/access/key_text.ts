/** A key as its owner holds it, `omk_<id>_<secret>`, and the hash of it that the engine keeps. */
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const SECRET_BYTES = 32;
const ID_BYTES = 4;

/** The last letter of 32 bytes in base64url carries four bits, so only these letters can end a key. */
const KEY = /^omk_([a-z0-9]{1,32})_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** The hash to compare with when no key has the id. No text with the form of a key has it. */
export const NO_HASH: Buffer = Buffer.alloc(32);

export function newKeyId(): string {
  return `k${randomBytes(ID_BYTES).toString("hex")}`;
}

export function newKeyText(id: string): string {
  return `omk_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
}

/** The id in the text of a key; undefined when the text does not have the form of a key. */
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

/** Compares in constant time. */
export function sameHash(one: Buffer, other: Buffer): boolean {
  return timingSafeEqual(one, other);
}

/** The hash as the key file has it. */
export function writtenHash(hash: Buffer): string {
  return `sha256:${hash.toString("hex")}`;
}

/** Reads a hash of the key file, whose form has been checked. */
export function readHash(written: string): Buffer {
  return Buffer.from(written.slice("sha256:".length), "hex");
}
