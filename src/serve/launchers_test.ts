import assert from "node:assert/strict";
import { isAlive, launchersOf } from "./launchers.ts";

/** Ancestors with these commands, numbered from 1, parent first. */
function launchers(...commands: string[]): number[] {
  return launchersOf(commands.map((command, index) => ({ pid: index + 1, parent: index + 2, command })));
}

Deno.test("deno task alone is a launcher, the shell that a person types in is not", () => {
  assert.deepEqual(launchers("deno task serve", "-bash", "sshd"), [1]);
  assert.deepEqual(launchers("/opt/deno/bin/deno -q task serve", "/bin/bash"), [1]);
});

Deno.test("npx and its shell are launchers", () => {
  assert.deepEqual(
    launchers("deno task serve", "sh -c 'deno' task serve", "npm exec deno@2.9.3 task serve", "-bash"),
    [1, 2, 3],
  );
});

Deno.test("the Node script that stands in for Deno in its npm package is a launcher", () => {
  assert.deepEqual(
    launchers("/x/deno task serve", "node /usr/lib/node_modules/deno/bin.cjs task serve", "zsh"),
    [1, 2],
  );
});

Deno.test("a script that starts serve in the background may end", () => {
  assert.deepEqual(launchers("deno task serve", "sh -c deno task serve & sleep 1"), [1]);
  assert.deepEqual(launchers("bash -c deno run -A src/main.ts &", "sshd"), []);
});

Deno.test("a program that starts the engine itself is none", () => {
  assert.deepEqual(launchers("deno test -A tests/", "deno task test", "npm exec deno@2.9.3 task test"), []);
});

Deno.test({
  name: "a process is dead when there is none, and alive where nobody can look",
  ignore: Deno.build.os === "windows",
  async fn() {
    const child = new Deno.Command("sleep", { args: ["100"] }).spawn();
    assert.ok(isAlive(child.pid));
    child.kill("SIGKILL");
    await child.status;
    assert.ok(!isAlive(child.pid));

    const module = new URL("launchers.ts", import.meta.url);
    const code = `import { isAlive } from "${module}"; isAlive(Deno.ppid); let code; ` +
      `try { for (;;) Deno.openSync("/dev/null"); } catch (thrown) { code = thrown.code; } ` +
      `console.log(code, isAlive(Deno.ppid));`;
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `ulimit -n 100; exec "$0" eval "$1"`, Deno.execPath(), code],
      stderr: "null",
    }).output();
    assert.equal(new TextDecoder().decode(stdout).trim(), "EMFILE true");
  },
});
