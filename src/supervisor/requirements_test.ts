import assert from "node:assert/strict";
import { hashOf, namedFiles } from "./requirements.ts";

Deno.test("files named by a requirement file are found, packages are not", () => {
  assert.deepEqual(
    namedFiles(
      "# -r not.txt\n-r base.txt\n  -c pins.txt\n--requirement=more.txt\nnumpy==1.0\n    # via -r its.in\n",
    ),
    ["base.txt", "pins.txt", "more.txt"],
  );
});

Deno.test("the hash tells any change and does not mix up where a file ends", () => {
  const hash = (...texts: string[]) => hashOf(new Map(texts.map((text, index) => [String(index), text])));
  assert.equal(hash("a", "b"), hash("a", "b"));
  assert.notEqual(hash("a", "b"), hash("ab", ""));
  assert.notEqual(hash("a"), hash("b"));
});
