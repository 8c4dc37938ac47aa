import assert from "node:assert/strict";

/** The folders and programs of src/, from the bottom up: each may import those before it, and no other. */
const LAYERS = [
  "core",
  "clock.ts",
  "percentile.ts",
  "utf8.ts",
  "live",
  "grpc",
  "logging",
  "cli",
  "config",
  "runtime_patches",
  "access",
  "workers",
  "observe",
  "page",
  "terminal",
  "scheduler",
  "supervisor",
  "serve",
  "ingress",
  "engine.ts",
  "main.ts",
] as const;

/** The same of bench/: what is asked, what is recorded, how it is sent, what it says, and who asks. */
const BENCH_LAYERS = [
  "words.ts",
  "plan.ts",
  "record",
  "workload",
  "load",
  "metrics",
  "report",
  "cli",
  "compare",
  "run",
  "search",
  "reproduce",
  "commands",
  "main.ts",
  "speed",
] as const;

/** What else holds: a file of the first kind imports of ours only what the second names. */
const ONLY: readonly (readonly [file: RegExp, imports: RegExp, why: string])[] = [
  [/^src\/core\//, /^src\/core\//, "the core is pure"],
  [/^src\/cli\//, /^src\/(cli|core)\//, "every program uses it, also one that starts in a moment"],
  [/^src\/live\//, /^src\/live\//, "it runs in browsers"],
  [/^src\/page\//, /^src\/(page|live)\//, "it runs in browsers"],
  [
    /^src\/ingress\//,
    /^src\/(?!scheduler\/(?!handle\.ts)|workers\/)/,
    "requests go in by the scheduler's handle",
  ],
];
/** Packages that the core may use; they are pure too. */
const PURE_PACKAGES = ["tinyqueue"];
const MAY_NAME_GRPC =
  /^(src\/(grpc|ingress|workers|supervisor|runtime_patches)\/|bench\/(load|speed)|tests\/)/;
const ROOT = new URL("../", import.meta.url);

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory && entry.name !== "generated" && entry.name !== "results") yield* sources(path);
    else if (path.endsWith(".ts") && !path.endsWith("_test.ts")) yield path;
  }
}

function importsOf(path: string): string[] {
  const text = Deno.readTextFileSync(new URL(path, ROOT));
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"/gm)].map(([, from]) => from ?? "");
}

/** The path of what a file imports; undefined for a package. */
function target(path: string, from: string): string | undefined {
  return from.startsWith(".") ? new URL(from, new URL(path, ROOT)).href.slice(ROOT.href.length) : undefined;
}

function layerOf(path: string): number {
  const [root, name] = path.split("/");
  const layers: readonly string[] = root === "bench" ? BENCH_LAYERS : LAYERS;
  return layers.findIndex((layer) => layer === name);
}

function problems(path: string, imports: readonly string[]): string[] {
  return imports.flatMap((from) => {
    const to = target(path, from);
    const line = `${path} imports ${from}`;
    if (to === undefined) {
      if (from.startsWith("@grpc/") && !MAY_NAME_GRPC.test(path)) return [line];
      return path.startsWith("src/core/") && !PURE_PACKAGES.includes(from)
        ? [`${line}: the core is pure`]
        : [];
    }
    if (path.startsWith("bench/speed/") && to.startsWith("tests/support/")) return []; // it starts a browser
    if (path.startsWith("bench/") && !to.startsWith("bench/")) return to.startsWith("src/") ? [] : [line];
    if (path.startsWith("bench/")) return layerOf(to) > layerOf(path) ? [`${line}, which lies above it`] : [];
    if (to === "worker/backends.json") return path === "src/config/backends.ts" ? [] : [line];
    if (!to.startsWith("src/")) return [line];
    if (layerOf(to) > layerOf(path)) return [`${line}, which lies above it`];
    return ONLY.flatMap(([file, only, why]) => file.test(path) && !only.test(to) ? [`${line}: ${why}`] : []);
  });
}

/** Files that import each other in a circle, the first of each circle that is found. */
function circles(files: readonly string[]): string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    const at = way.indexOf(path);
    if (at >= 0) found.push([...way.slice(at), path].join(" > "));
    if (at >= 0 || done.has(path)) return;
    for (const from of importsOf(path)) {
      const to = target(path, from);
      if (to !== undefined && files.includes(to)) visit(to, [...way, path]);
    }
    done.add(path);
  };
  for (const path of files) visit(path, []);
  return found;
}

const FILES = [...sources("src"), ...sources("bench")];

Deno.test("imports go one way, from each layer down, and only the edges and their tools name gRPC", () => {
  assert.ok(FILES.length > 20, "the sources were found");
  const unknown = FILES.filter((path) => layerOf(path) < 0);
  assert.deepEqual(unknown, [], "each folder of src/ and bench/ has its place in the layers");
  assert.deepEqual(FILES.flatMap((path) => problems(path, importsOf(path))), []);
});

Deno.test("no files import each other in a circle", () => {
  assert.deepEqual(circles(FILES), []);
});

Deno.test("the rules find what breaks them", () => {
  assert.deepEqual(
    problems("src/core/modes/x.ts", ["../../scheduler/handle.ts", "../core.ts", "prom-client"]),
    [
      "src/core/modes/x.ts imports ../../scheduler/handle.ts, which lies above it",
      "src/core/modes/x.ts imports prom-client: the core is pure",
    ],
  );
  assert.equal(problems("src/engine.ts", ["@grpc/grpc-js"]).length, 1);
  assert.equal(problems("bench/record/x.ts", ["../workload/trace.ts", "../plan.ts"]).length, 1);
  assert.equal(problems("src/ingress/x.ts", ["../scheduler/thread.ts"]).length, 1);
  assert.equal(problems("src/page/browser/x.ts", ["../../core/types.ts"]).length, 1);
});

Deno.test("each patch for Deno or grpc-js names its issue, or that none is known, and when it can be deleted", () => {
  const patches = [...sources("src/runtime_patches")];
  assert.ok(patches.length > 10, "the patches were found");
  for (const path of patches) {
    const text = Deno.readTextFileSync(new URL(path, ROOT));
    assert.match(text, /^\/\*\*\n(?: \* .*\n)* \* Delete when /, path);
    assert.match(text, /\b[\w-]+\/[\w-]+#\d+|No issue is known/, path);
  }
});

interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

function readJson<T>(path: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(path, ROOT))) as T;
}

Deno.test("serve locks the packages that src/ imports and no others, as deno.lock has them (deno task lock)", () => {
  const { imports } = readJson<{ imports: Record<string, string> }>("imports.json");
  const [all, own] = [readJson<Lock>("deno.lock"), readJson<Lock>("src/deno.lock")];
  const names = new Set([...sources("src")].flatMap(importsOf).filter((from) => from in imports));
  names.add("uplot"); // served as it is, not imported
  assert.deepEqual(Object.keys(own.specifiers).sort(), [...names].map((name) => imports[name]!).sort());
  for (const [name, { integrity }] of Object.entries(own.npm)) {
    assert.equal(integrity, all.npm[name]?.integrity, name);
  }
});

Deno.test("deno task downloads nothing before a task has said what it needs", () => {
  // It would install whatever deno.json's own imports and lock file name, also for `serve`.
  const { imports, lock, tasks } = readJson<
    { imports?: unknown; lock: unknown; tasks: Record<string, string> }
  >("deno.json");
  assert.deepEqual({ imports, lock }, { imports: undefined, lock: false });
  for (const [name, task] of Object.entries(tasks)) {
    const expected = / src\/\S+\.ts$/.test(task) ? "src/deno.lock" : "deno.lock";
    assert.match(task, new RegExp(`--lock=${expected} `), name);
  }
});
