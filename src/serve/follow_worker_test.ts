import assert from "node:assert/strict";
import { join } from "node:path";
import { isModel } from "./follow_worker.ts";

Deno.test("a model is the same by its name, by any path to it, and the built-in one by its place", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "models", "smollm2-135m", "gguf", "a.gguf");
    await Deno.mkdir(join(folder, "models", "smollm2-135m", "gguf"), { recursive: true });
    await Deno.writeTextFile(file, "");
    await Deno.symlink(file, join(folder, "link.gguf"));
    for (
      const [said, asked] of [
        ["Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B-AWQ"],
        [file, join(folder, "link.gguf")],
        [folder, `${folder}/`],
        [file, "smollm2-135m"],
        ["smollm2-135m", file],
        ["/not/here/model", "/not/here/model/"],
      ] as const
    ) assert.ok(isModel(said, asked), `${said} and ${asked}`);
    assert.ok(!isModel("Qwen/Qwen3-32B-AWQ", "Qwen/Qwen3-32B"));
    assert.ok(!isModel("smollm2-135m", join(folder, "other.gguf")));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
