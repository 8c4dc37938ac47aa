/**
 * A shell script that stands in for Python in tests of the set-up: its venv is a copy of itself, its pip installs
 * nothing. It notes each call in a file. In `hang` mode pip and a child of it run until they are ended; `no-venv` is
 * Debian without its venv package.
 */
import { join } from "node:path";

export interface FakePython {
  readonly path: string;
  /** What was called so far: "venv" and "pip". */
  calls(): Promise<string[]>;
  /** The pids of the pip that hangs and of its child, once they run. */
  hanging(): Promise<number[] | undefined>;
  setMode(mode: "succeed" | "fail" | "hang" | "no-venv"): Promise<void>;
}

/** Makes it in a folder of the test's. */
export async function fakePython(folder: string, version = "3.12.4"): Promise<FakePython> {
  const [path, calls, pids, mode] = ["python", "calls", "pids", "mode"].map((name) => join(folder, name));
  const script = `#!/bin/sh
case "$*" in
  --version|*sys.version_info*) echo "Python ${version}" ;;
  "-m venv "*)
    if [ "$(cat '${mode}')" = no-venv ]; then
      echo "The virtual environment was not created successfully because ensurepip is not available."; exit 1
    fi
    if [ -L "$3" ]; then echo "Error: Unable to create directory"; exit 1; fi
    echo venv >> '${calls}'; mkdir -p "$3/bin"; cp '${path}' "$3/bin/python" ;;
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
  const setMode = (text: string) => Deno.writeTextFile(mode!, text);
  await setMode("succeed");
  return {
    path: path!,
    calls: async () => (await read(calls!))?.trim().split("\n") ?? [],
    hanging: async () => (await read(pids!))?.trim().split(" ").map(Number),
    setMode,
  };
}
