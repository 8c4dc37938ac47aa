"""The OpenBLAS step on Linux CPUs, in a process of its own: it must come before the import of mlx."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models import openblas

pytestmark = [
    pytest.mark.mlx,
    pytest.mark.skipif(not openblas.is_needed(), reason="only MLX on Linux CPUs takes OpenBLAS"),
]

WORKER = Path(__file__).parents[1]
MULTIPLY = """
import sys, time
sys.path[0] = {worker!r}
if {use!r}:
    from models import openblas
    openblas.load(lambda text: None)
import mlx.core as mx
a, b = mx.random.normal((8, 576)), mx.random.normal((576, 1536))
mx.eval(a, b, a @ b)
started = time.perf_counter()
for _ in range(20):
    mx.eval(a @ b)
print(time.perf_counter() - started)
"""


def seconds(use: bool) -> float:
    script = MULTIPLY.format(worker=str(WORKER), use=use)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    return float(done.stdout.split()[0])


def test_mlx_multiplies_several_times_faster_with_it() -> None:
    assert seconds(True) * 4 < seconds(False)  # 26 to 60 times on a quiet machine


def test_coming_after_mlx_is_an_error_and_not_a_silent_fallback() -> None:
    script = (
        f"import sys; sys.path[0] = {str(WORKER)!r}\nimport mlx.core\nfrom models import openblas\nopenblas.load(print)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "OpenBLAS must be loaded before mlx is imported" in done.stderr
