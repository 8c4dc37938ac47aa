import assert from "node:assert/strict";
import { join } from "node:path";
import { isAlive } from "../serve/launchers.ts";
import { fakePython } from "../../tests/support/fake_python.ts";
import { waitUntil } from "../../tests/support/wait.ts";
import { ensureEnvironment, type EnvironmentPlan, hashOf, namedFiles } from "./environment.ts";
import type { Progress } from "./progress.ts";
import { SetupError } from "./setup_error.ts";

const never = new AbortController().signal;
const silent: Progress = {
  step: (_what, work) => work(() => {}),
  note: () => {},
  workerLine: () => {},
};

type Lab = Awaited<ReturnType<typeof makeLab>>;

async function makeLab(folder: string) {
  const python = await fakePython(folder);
  const requirements = join(folder, "requirements.txt");
  await Deno.writeTextFile(requirements, "grpcio==1.0\n");
  const plan: EnvironmentPlan = {
    folder: join(folder, "venv"),
    requirements,
    python: python.path,
    oldest: "3.10",
  };
  return { folder, python, requirements, plan };
}

function environmentTest(name: string, body: (lab: Lab) => Promise<void>): void {
  Deno.test({
    name,
    ignore: Deno.build.os === "windows",
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        await body(await makeLab(folder));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

environmentTest("the second start finds the environment ready", async ({ plan, python }) => {
  const interpreter = await ensureEnvironment(plan, silent, never);
  assert.equal(interpreter, join(plan.folder, "bin", "python"));
  assert.deepEqual(await python.calls(), ["venv", "pip"]);
  assert.equal(await ensureEnvironment(plan, silent, never), interpreter);
  assert.deepEqual(await python.calls(), ["venv", "pip"]);
});

environmentTest(
  "changed requirements are installed into the environment that is there",
  async ({ plan, python, folder, requirements }) => {
    await ensureEnvironment(plan, silent, never);
    await Deno.writeTextFile(requirements, "-r more.txt\n");
    await Deno.writeTextFile(join(folder, "more.txt"), "numpy==2.0\n");
    await ensureEnvironment(plan, silent, never);
    assert.deepEqual(await python.calls(), ["venv", "pip", "pip"]);
    await Deno.writeTextFile(join(folder, "more.txt"), "numpy==2.1\n");
    await ensureEnvironment(plan, silent, never);
    assert.deepEqual(await python.calls(), ["venv", "pip", "pip", "pip"]);
  },
);

environmentTest("another Python makes the environment anew", async ({ plan, python, folder }) => {
  await ensureEnvironment(plan, silent, never);
  await Deno.mkdir(join(folder, "other"));
  const other = await fakePython(join(folder, "other"), "3.13.1");
  await ensureEnvironment({ ...plan, python: other.path }, silent, never);
  assert.deepEqual(await other.calls(), ["venv", "pip"]);
  assert.deepEqual(await python.calls(), ["venv", "pip"]);
});

environmentTest("a set-up that failed says why and is done anew", async ({ plan, python }) => {
  await python.setMode("fail");
  await assert.rejects(ensureEnvironment(plan, silent, never), (error) => {
    assert.ok(error instanceof SetupError);
    assert.match(error.message, /No matching distribution found for nothing==1/);
    assert.match(error.message, /omnispan\.log/);
    return true;
  });
  await Deno.writeTextFile(join(plan.folder, "half-installed"), "");
  await python.setMode("succeed");
  await ensureEnvironment(plan, silent, never);
  assert.deepEqual(await python.calls(), ["venv", "pip", "venv", "pip"]);
  await assert.rejects(Deno.stat(join(plan.folder, "half-installed")), Deno.errors.NotFound);
});

environmentTest("a set-up that is interrupted ends pip and its children", async ({ plan, python }) => {
  await python.setMode("hang");
  const stop = new AbortController();
  const outcome = assert.rejects(ensureEnvironment(plan, silent, stop.signal), { name: "AbortError" });
  await waitUntil("pip runs", async () => await python.hanging() !== undefined);
  stop.abort();
  await outcome;
  const pids = await python.hanging() ?? [];
  assert.equal(pids.length, 2);
  await waitUntil("pip has ended", () => !pids.some(isAlive));
});

environmentTest("two starts at once set up once", async ({ plan, python }) => {
  const notes: string[] = [];
  const progress = { ...silent, note: (text: string) => void notes.push(text) };
  await Promise.all([1, 2, 3].map(() => ensureEnvironment(plan, progress, never)));
  assert.deepEqual(await python.calls(), ["venv", "pip"]);
  assert.equal(notes.length, 2);
  assert.match(notes[0]!, /another process sets up/);
});

environmentTest("an environment made by hand is kept and gets the packages", async ({ plan, python }) => {
  const byHand = await new Deno.Command(python.path, { args: ["-m", "venv", plan.folder] }).output();
  assert.ok(byHand.success);
  await Deno.writeTextFile(join(plan.folder, "mine"), "");
  await ensureEnvironment(plan, silent, never);
  assert.deepEqual(await python.calls(), ["venv", "pip"]);
  await Deno.stat(join(plan.folder, "mine"));
});

environmentTest(
  "a Python without venv is reported with the command that installs it",
  async ({ plan, python }) => {
    await python.setMode("no-venv");
    await assert.rejects(ensureEnvironment(plan, silent, never), /sudo apt install python3\.12-venv/);
  },
);

environmentTest("a Python that is too old is named with its version", async ({ plan, folder }) => {
  const old = await fakePython(folder, "3.9.18");
  await assert.rejects(
    ensureEnvironment({ ...plan, python: old.path }, silent, never),
    /PYTHON must be the path of Python 3\.10 or newer.*is 3\.9\.18/,
  );
});

environmentTest(
  "an environment that is ready is only read; one that is not, on a read-only disk, is reported with its folder",
  async ({ plan, requirements }) => {
    await ensureEnvironment(plan, silent, never);
    // A lock that can't be opened for writing stands for a disk that can't be, also where root runs the test.
    await Deno.remove(join(plan.folder, "omnispan.lock"));
    await Deno.mkdir(join(plan.folder, "omnispan.lock"));
    assert.equal(await ensureEnvironment(plan, silent, never), join(plan.folder, "bin", "python"));
    await Deno.writeTextFile(requirements, "grpcio==2.0\n");
    await assert.rejects(ensureEnvironment(plan, silent, never), (error) => {
      assert.ok(error instanceof SetupError);
      assert.match(error.message, /^the worker's Python environment in .*venv can't be made: .*os error/);
      return true;
    });
  },
);

environmentTest(
  "the folder of the environment may be a link to another disk",
  async ({ plan, folder, python }) => {
    await Deno.mkdir(join(folder, "elsewhere"));
    await Deno.symlink(join(folder, "elsewhere"), plan.folder);
    assert.equal(await ensureEnvironment(plan, silent, never), join(plan.folder, "bin", "python"));
    assert.deepEqual(await python.calls(), ["venv", "pip"]);
    await Deno.stat(join(folder, "elsewhere", "bin", "python"));
  },
);

Deno.test("files named by a requirement file are found, packages are not", () => {
  assert.deepEqual(
    namedFiles(
      "# -r not.txt\n-r base.txt\n  -c pins.txt\n--requirement=more.txt\nnumpy==1.0\n    # via -r its.in\n",
    ),
    ["base.txt", "pins.txt", "more.txt"],
  );
});

Deno.test("the hash differs for any change, also of where a file ends", () => {
  const hash = (...texts: string[]) => hashOf(new Map(texts.map((text, index) => [String(index), text])));
  assert.equal(hash("a", "b"), hash("a", "b"));
  assert.notEqual(hash("a", "b"), hash("ab", ""));
  assert.notEqual(hash("a"), hash("b"));
});
