/**
 * A shell script that stands in for Python in tests of the set-up: its venv is a copy of itself, its pip installs
 * nothing. It notes each call in a file, and in `hang` mode pip and a child of it run until they are ended.
 */
import { join } from "node:path";

export interface FakePython {
  readonly path: string;
  /** What was called so far: "venv" and "pip". */
  calls(): Promise<string[]>;
  /** The pids of the pip that hangs and of its child, once they run. */
  hanging(): Promise<number[] | undefined>;
  setPip(does: "succeed" | "fail" | "hang"): Promise<void>;
}

/** Makes it in a folder of the test's. */
export async function fakePython(folder: string, version = "3.12.4"): Promise<FakePython> {
  const [path, calls, pids, mode] = ["python", "calls", "pids", "mode"].map((name) => join(folder, name));
  const script = `#!/bin/sh
case "$*" in
  --version|*sys.version_info*) echo "Python ${version}" ;;
  "-m venv "*) echo venv >> '${calls}'; mkdir -p "$3/bin"; cp '${path}' "$3/bin/python" ;;
  *" pip install "*)
    echo pip >> '${calls}'
    case "$(cat '${mode}')" in
      hang) sleep 120 & echo "$$ $!" > '${pids}.new'; mv '${pids}.new' '${pids}'; wait ;;
      fail) echo "ERROR: No matching distribution found for nothing==1"; exit 1 ;;
    esac ;;
  *) echo "the fake Python can't do: $*" >&2; exit 1 ;;
esac
`;
  await Deno.writeTextFile(path!, script, { mode: 0o755 });
  const read = (file: string) => Deno.readTextFile(file).catch(() => undefined);
  const setPip = (does: string) => Deno.writeTextFile(mode!, does);
  await setPip("succeed");
  return {
    path: path!,
    calls: async () => (await read(calls!))?.trim().split("\n") ?? [],
    hanging: async () => (await read(pids!))?.trim().split(" ").map(Number),
    setPip,
  };
}
