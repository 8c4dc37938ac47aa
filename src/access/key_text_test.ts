import assert from "node:assert/strict";
import { hashOf, idOf, newKeyId, newKeyText, NO_HASH, readHash, sameHash, writtenHash } from "./key_text.ts";

Deno.test("a new key has its id and 43 characters of its own, and its hash is SHA-256 of the whole text", () => {
  const id = newKeyId();
  assert.match(id, /^k[0-9a-f]{8}$/);
  const texts = Array.from({ length: 100 }, () => newKeyText(id));
  assert.equal(new Set(texts).size, 100);
  for (const text of texts) {
    assert.match(text, /^omk_k[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/);
    assert.equal(idOf(text), id);
    assert.ok(sameHash(readHash(writtenHash(hashOf(text))), hashOf(text)));
  }
  const known = `omk_k1_${"A".repeat(43)}`;
  // printf 'omk_k1_AAA...' | sha256sum
  assert.equal(
    writtenHash(hashOf(known)),
    "sha256:3ecf1f6c1bd5a76a0e8b4a7f02a7aab5d32fd866371221e3deefac564f40b743",
  );
});

Deno.test("what has not the form of a key has no id", () => {
  const secret = "A".repeat(43);
  assert.equal(idOf(`omk_k1_${secret}`), "k1");
  for (
    const text of [
      "",
      secret,
      `omk__${secret}`,
      `omk_K1_${secret}`,
      `sk_k1_${secret}`,
      `omk_k1_${secret}A`,
      `omk_k1_${"A".repeat(42)}B`, // no 32 bytes end so
      ` omk_k1_${secret}`,
      `omk_k1_${secret}\n`,
    ]
  ) assert.equal(idOf(text), undefined, JSON.stringify(text));
});

Deno.test("different keys have different hashes, and no key has the hash that stands for none", () => {
  assert.ok(!sameHash(hashOf(newKeyText("k1")), hashOf(newKeyText("k1"))));
  assert.ok(!sameHash(hashOf(newKeyText("k1")), NO_HASH));
});
