"""OpenBLAS under MLX on Linux CPUs.

MLX's CPU wheel bundles the reference BLAS, which is 26 to 60 times slower at the matrix sizes of a decode step. Of
it libmlx imports `cblas_sgemm`, `cblas_dgemm` and `cblas_cgemm` only. The wheel `scipy-openblas32` has an OpenBLAS
whose symbols carry the prefix `scipy_`: this copies it with those three renamed and loads the copy for the whole
process, so that the dynamic linker finds them there first when MLX is imported.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from models.cache import ModelError, cache_folder, ensure

SYMBOLS = ("cblas_sgemm", "cblas_dgemm", "cblas_cgemm")
PREFIX = "scipy_"
FILE = "libopenblas_for_mlx.so"

_loaded = False


def is_needed() -> bool:
    """True where MLX computes with the bundled reference BLAS: Linux without CUDA."""
    if sys.platform != "linux":
        return False
    installed = {str(found.metadata["Name"]).lower() for found in metadata.distributions()}
    return "mlx-cpu" in installed


def load(report: Callable[[str], None]) -> None:
    """Puts OpenBLAS in front of MLX, once in a process. Raises ModelError when MLX is imported already or the library
    can't be made."""
    global _loaded
    if _loaded:
        return
    if "mlx.core" in sys.modules:
        raise ModelError("OpenBLAS must be loaded before mlx is imported, and mlx was imported already")
    # One BLAS thread decodes nearly as fast as two for half the CPU; OpenBLAS reads this as it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        ctypes.CDLL(str(_library(report)), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise ModelError(f"loading OpenBLAS failed: {error}") from error
    _loaded = True


def _library(report: Callable[[str], None]) -> Path:
    try:
        import scipy_openblas32

        version = metadata.version("scipy-openblas32")
    except ImportError as error:
        raise ModelError(
            f"MLX on a Linux CPU needs OpenBLAS ({error}): `pip install -r worker/requirements.txt`, or set "
            "MLX_OPENBLAS=0 to run 26 to 60 times slower without it"
        ) from error
    source = Path(scipy_openblas32.get_lib_dir()) / scipy_openblas32.get_library(fullname=True)
    folder = cache_folder() / "openblas" / f"{version}-{platform.machine()}"

    def make(making: Path) -> None:
        report("preparing OpenBLAS for MLX")
        rename_symbols(source, making / FILE)

    return ensure(folder, make, report) / FILE


def rename_symbols(source: Path, target: Path) -> None:
    """Copies the library with `scipy_cblas_sgemm` and so on called `cblas_sgemm`. Raises ModelError."""
    import lief

    library = lief.ELF.parse(str(source))
    if library is None:
        raise ModelError(f"{source} is not an ELF library")
    left = set(SYMBOLS)
    for symbol in library.dynamic_symbols:
        plain = str(symbol.name).removeprefix(PREFIX)
        if plain in left and symbol.name != plain:
            symbol.name = plain
            left.remove(plain)
    if left:
        raise ModelError(f"{source} has no {', '.join(sorted(PREFIX + name for name in left))}")
    library.write(str(target))
