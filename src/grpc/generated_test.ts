import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = "src/grpc/generated";

/** The text of each file below a folder, by its path in it. */
async function textsIn(folder: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory) texts.set(name, await Deno.readTextFile(join(folder, name)));
    else for (const [below, text] of await textsIn(join(folder, name))) texts.set(join(name, below), text);
  }
  return texts;
}

Deno.test("the generated types are what the generator makes of the contract now (deno task proto)", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))) as {
    tasks: { proto: string };
  };
  const made = await Deno.makeTempDir({ prefix: "omnispan-proto-" });
  try {
    const args = tasks.proto.split(" ").slice(1).map((arg) => arg.replace(FOLDER, made));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    assert.deepEqual(await textsIn(join(ROOT, FOLDER)), await textsIn(made));
  } finally {
    await Deno.remove(made, { recursive: true });
  }
});
