"""The generated files are what grpc_tools makes of the contract now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("option", "folder", "name"),
    [
        ("--python_out", "generated", "omnispan_pb2.py"),
        ("--grpc_python_out", "generated", "omnispan_pb2_grpc.py"),
        ("--pyi_out", "stubs", "omnispan_pb2.pyi"),
    ],
)
def test_a_generated_file_is_not_stale(option: str, folder: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is in requirements-dev.txt")
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", f"{option}={tmp_path}", "proto/omnispan.proto"]
    subprocess.run(command, cwd=REPOSITORY, check=True, timeout=60)
    again = f"python -m grpc_tools.protoc -I proto {option}=worker/{folder} proto/omnispan.proto"
    committed = (REPOSITORY / "worker" / folder / name).read_bytes()
    assert committed == (tmp_path / name).read_bytes(), f"worker/{folder}/{name} is stale: run `{again}`"
