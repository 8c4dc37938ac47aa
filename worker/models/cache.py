"""Folders of files that are made once, in the user's cache folder: whole or not at all, one maker at a time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_SECONDS = 900.0
STAMP = "made.json"


class ModelError(Exception):
    """A model could not be made ready; the text is one line for the user."""


def cache_folder() -> Path:
    """$OMNISPAN_CACHE, or `omnispan` in the user's cache folder of this system."""
    if own := os.environ.get("OMNISPAN_CACHE"):
        return Path(own)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "omnispan"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "omnispan"
    if sys.platform == "win32" and (base := os.environ.get("LOCALAPPDATA")):
        return Path(base) / "omnispan"
    return Path.home() / ".cache" / "omnispan"


def ensure(folder: Path, make: Callable[[Path], None], report: Callable[[str], None]) -> Path:
    """Gives `folder` with everything in it, calling `make` on an empty folder beside it when that is needed.

    A folder is whole when each file has the size and time that were noted when it was made, or else the same
    SHA-256; a damaged one is made again. A whole one is only read. Raises ModelError.
    """
    try:
        if _whole(folder):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _lock(folder, report):
            if not _whole(folder):
                if folder.exists():
                    report(f"{folder} is incomplete or damaged: making it again")
                _make(folder, make)
    except OSError as error:
        raise ModelError(f"can't make {folder}: {error}") from error
    return folder


def _lock(folder: Path, report: Callable[[str], None]) -> FileLock:
    lock = FileLock(folder.with_name(folder.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"another process is making {folder}: waiting for it")
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as error:
            raise ModelError(f"another process held {lock.lock_file} for {LOCK_SECONDS:.0f} s: end it") from error
    return lock


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    for left in folder.parent.glob(f"{folder.name}.making-*"):  # left by a killed maker, since we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix=f"{folder.name}.making-", dir=folder.parent))
    try:
        make(making)
        stamp = {path.name: _note(path, sha256(path)) for path in sorted(making.iterdir())}
        (making / STAMP).write_text(json.dumps(stamp, indent=1))
        shutil.rmtree(folder, ignore_errors=True)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _note(path: Path, digest: str) -> dict[str, object]:
    return {"bytes": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns, "sha256": digest}


def _whole(folder: Path) -> bool:
    try:
        stamp = json.loads((folder / STAMP).read_text())
        for name, noted in stamp.items():
            path = folder / name
            if _note(path, noted["sha256"]) != noted and sha256(path) != noted["sha256"]:
                return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
