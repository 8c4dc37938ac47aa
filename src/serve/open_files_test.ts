import assert from "node:assert/strict";
import { connectionsWithin, openFilesLimit } from "./open_files.ts";

Deno.test("connections beyond the limit of open files are lowered, each port's by half of what is left", () => {
  const within = (MAX_CONNECTIONS: number, HTTP_PORT: number | "off", limit?: number) =>
    connectionsWithin({ MAX_CONNECTIONS, HTTP_PORT }, limit);
  assert.deepEqual(within(1024, 0), { most: 1024, problem: undefined });
  assert.deepEqual(within(1024, 0, 2108), { most: 1024, problem: undefined });
  assert.equal(within(1024, 0, 2106).most, 1023);
  assert.equal(within(1024, "off", 1024).most, 964);
  assert.equal(within(1024, 0, 60).most, 1);
  assert.equal(
    within(1024, 0, 256).problem,
    "MAX_CONNECTIONS must be at most 98 where 256 files may be open (ulimit -n, 60 of them for other things), " +
      "got 1024: it is 98 now",
  );
});

Deno.test({
  name: "the limit is that of this process",
  ignore: Deno.build.os === "windows",
  async fn() {
    const module = new URL("open_files.ts", import.meta.url);
    const code = `import { openFilesLimit } from "${module}"; console.log(openFilesLimit());`;
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `ulimit -n 123; exec "$0" eval "$1"`, Deno.execPath(), code],
      stderr: "null",
    }).output();
    assert.equal(new TextDecoder().decode(stdout).trim(), "123");
    const own = openFilesLimit();
    assert.ok(own === undefined || own > 123);
  },
});
