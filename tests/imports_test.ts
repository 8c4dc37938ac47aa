import assert from "node:assert/strict";

/** Which folders of src/ a file may import from; the layers of docs/architecture.md. */
const MAY_IMPORT: ReadonlyArray<readonly [file: RegExp, imports: RegExp]> = [
  [/^src\/(types|errors)\.ts$/, /^$/],
  [/^src\/clock\.ts$/, /^src\/types\.ts$/],
  [/^src\/ledger\.ts$/, /^src\/types\.ts$/],
  [/^src\/(line_writer|log_tally|secret_file)\.ts$/, /^$/],
  [/^src\/logging\.ts$/, /^src\/(line_writer|log_tally|secret_file)\.ts$/],
  [/^src\/(pem|output)\.ts$/, /^src\/errors\.ts$/],
  [/^src\/config\.ts$/, /^src\/(types|errors|logging)\.ts$/],
  [/^src\/policy\//, /^src\/(types\.ts|policy\/)/],
  [
    /^src\/scheduler\/(core|lane|events|run|admission|checked_reply|phases|drain_rate|worker_watch|wire_id|queue|deadlines)\.ts$/,
    /^src\/(types\.ts|errors\.ts|policy\/policy\.ts|scheduler\/)/,
  ],
  [
    /^src\/scheduler\//,
    /^src\/((types|errors|clock|config|line_writer|logging|log_tally)\.ts|observe\/event_loop_lag\.ts|policy\/|scheduler\/|downstream\/)/,
  ],
  [/^src\/downstream\//, /^src\/((types|errors|config|pem)\.ts|grpc\/|scheduler\/events\.ts|downstream\/)/],
  [/^src\/access\/main\.ts$/, /^src\/((types|errors|clock|output)\.ts|access\/)/],
  [/^src\/access\//, /^src\/((types|errors|clock|secret_file)\.ts|access\/)/],
  [/^src\/observe\//, /^src\/((types|errors|clock|config|ledger)\.ts|observe\/)/],
  [/^src\/page\//, /^src\/(observe\/live_types\.ts|page\/)/],
  [/^src\/client\//, /^src\/((errors|types|output)\.ts|observe\/live_types\.ts|client\/)/],
  [
    /^src\/ingress\//,
    /^src\/((types|errors|clock|config|ledger|log_tally|pem)\.ts|grpc\/|scheduler\/handle\.ts|access\/api_keys\.ts|observe\/(observer|tracing|live_types)\.ts|page\/assets\.ts|ingress\/)/,
  ],
  [/^src\/grpc\//, /^src\/((types|errors)\.ts|grpc\/)/],
];
const MAY_NAME_GRPC = /^(src\/(grpc|ingress|downstream|supervisor)\/|bench\/(load|speed)|tests\/)/;
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

function problems(path: string, imports: readonly string[]): string[] {
  const allowed = MAY_IMPORT.find(([file]) => file.test(path))?.[1];
  return imports.filter((from) => {
    if (from.startsWith("@grpc/")) return !MAY_NAME_GRPC.test(path);
    if (!from.startsWith(".") || !allowed) return false;
    return !allowed.test(new URL(from, new URL(path, ROOT)).href.slice(ROOT.href.length));
  }).map((from) => `${path} imports ${from}`);
}

Deno.test("imports go one way, and only the doors and their tools name gRPC", () => {
  const files = [...sources("src"), ...sources("bench")];
  assert.ok(files.length > 20, "the sources were found");
  assert.deepEqual(files.flatMap((path) => problems(path, importsOf(path))), []);
});

Deno.test("the rule finds what breaks it", () => {
  assert.deepEqual(problems("src/policy/x.ts", ["../scheduler/handle.ts", "./policy.ts"]), [
    "src/policy/x.ts imports ../scheduler/handle.ts",
  ]);
  assert.equal(problems("src/engine.ts", ["@grpc/grpc-js"]).length, 1);
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
  const files = [...sources("src")].filter((path) => !path.endsWith("_support.ts"));
  const names = new Set(files.flatMap(importsOf).filter((from) => from in imports));
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
