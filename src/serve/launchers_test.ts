import assert from "node:assert/strict";
import { commandOf, hasLostLauncher, isAlive, launchersOf, type ProcessInfo } from "./launchers.ts";

/** Processes with these commands, numbered from 1, parent first; all are of the group that one outside leads. */
function chain(...commands: string[]): ProcessInfo[] {
  return commands.map((command, index) => ({ pid: index + 1, parent: index + 2, group: 99, command }));
}

function launchers(...commands: string[]): number[] {
  return launchersOf(chain(...commands));
}

const BY_TASK = { OMNISPAN_STARTED_BY_TASK: "1" };
const BY_NPX = { npm_lifecycle_event: "npx", npm_lifecycle_script: "'deno'", ...BY_TASK };
const NPX = "npm exec deno@2.9.3 task serve";

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

Deno.test("npx that ended before the first look is missed, with its shell or without", () => {
  assert.equal(
    hasLostLauncher(chain("deno task serve", "sh -c 'deno' task serve", NPX, "-bash"), BY_NPX),
    false,
  );
  assert.equal(
    hasLostLauncher(chain("deno task serve", "sh -c 'deno' task serve", "/sbin/init"), BY_NPX),
    true,
  );
  assert.equal(hasLostLauncher(chain("deno task serve", "/usr/lib/systemd/systemd --user"), BY_NPX), true);
  assert.equal(
    hasLostLauncher(chain("deno task serve", "sh -c deno task serve", "init"), {
      ...BY_NPX,
      npm_lifecycle_script: "deno task serve",
    }),
    true,
  );
});

Deno.test("npx may be a container's first process, or under a name of its own", () => {
  assert.equal(hasLostLauncher(chain("deno task serve", NPX), BY_NPX), false);
  assert.equal(hasLostLauncher(chain("deno task serve", "node /usr/bin/npx -y deno@2.9.3"), BY_NPX), false);
  const script = "node /home/me/.npm/_npx/1/node_modules/deno/bin.cjs task serve";
  assert.equal(hasLostLauncher(chain("deno task serve", script, "init"), BY_NPX), true);
});

Deno.test("a deno task that ended before the first look is missed", () => {
  assert.equal(hasLostLauncher(chain("/opt/deno -q task serve", "-bash"), BY_TASK), false);
  assert.equal(hasLostLauncher(chain("-bash"), BY_TASK), true);
  assert.equal(hasLostLauncher(chain("/sbin/init"), BY_TASK), true);
});

Deno.test("launchers are known under another name, behind an emulator and in a folder with spaces", () => {
  const tasks = [
    "/opt/deno-2.9.3 task serve",
    "/run/rosetta/rosetta /usr/bin/deno task serve",
    "/Users/a b/.deno/bin/deno task serve",
  ];
  for (const task of tasks) assert.equal(hasLostLauncher(chain(task, "-bash"), BY_TASK), false, task);
  for (const npx of ["/usr/local/bin/npx", "/usr/bin/node /usr/bin/npx"]) {
    const emulated = `/usr/bin/qemu-x86_64 ${npx} -y deno@2.9.3 task serve`;
    assert.equal(hasLostLauncher(chain("deno task serve", emulated), BY_NPX), false, emulated);
  }
  assert.equal(hasLostLauncher(chain("deno task serve", "sh -c npx deno; sleep 9"), BY_NPX), true);
});

Deno.test("deno task is a launcher under a path with spaces, and under a name with a version", () => {
  for (const deno of ["/home/a b/.deno/bin/deno", "deno-2.9.3", "deno.exe"]) {
    assert.deepEqual(launchers(commandOf([deno, "task", "serve", ""].join("\0")), "-bash"), [1], deno);
  }
  for (const zeros of [1, 20]) {
    assert.equal(commandOf("npm exec deno@2.9.3 task serve" + "\0".repeat(zeros)), NPX);
  }
});

Deno.test("who is detached on purpose is not missed by what inherited its words", () => {
  const [task] = chain("deno task serve");
  assert.equal(hasLostLauncher([{ ...task!, group: task!.pid }, ...chain("init")], BY_NPX), false);
  const scripts = {
    "an npm script": { npm_lifecycle_event: "serve", npm_lifecycle_script: "deno task serve" },
    "npx -c with a shell's &": {
      npm_lifecycle_event: "npx",
      npm_lifecycle_script: "deno task serve & sleep 1",
    },
    "another program of npx": { npm_lifecycle_event: "npx", npm_lifecycle_script: "'concurrently'" },
    "nothing": {},
  };
  for (const [what, env] of Object.entries(scripts)) {
    assert.equal(hasLostLauncher(chain("deno task serve", "init"), { ...env, ...BY_TASK }), false, what);
    assert.equal(hasLostLauncher(chain("bash", "init"), env), false, what);
  }
});

Deno.test("who can't be seen is not missed", () => {
  assert.equal(hasLostLauncher([], BY_NPX), false);
});
