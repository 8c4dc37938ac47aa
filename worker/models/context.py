"""How many tokens of prompt and answer together a model takes, read from its files."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import BinaryIO

UNKNOWN = 1 << 30  # a model that does not say: its runtime sets the limit

# GGUF metadata value types by their number: the struct format of those of fixed size.
_FIXED = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _ARRAY = 8, 9


def context_length(model: Path) -> int:
    """Reads it from a GGUF file, or from config.json of a folder; UNKNOWN when it is not written there."""
    try:
        if model.is_file():
            return _of_gguf(model)
        return int(json.loads((model / "config.json").read_text(encoding="utf-8"))["max_position_embeddings"])
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return UNKNOWN


def _of_gguf(path: Path) -> int:
    """Reads `<architecture>.context_length`; see ggml's docs/gguf.md. Raises KeyError when it is absent."""
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise KeyError("not a GGUF file")
        _, _, pairs = struct.unpack("<IQQ", file.read(20))
        for _ in range(pairs):
            name = _read(file, _TEXT)
            value = _read(file, _read_fixed(file, "<I"))
            if isinstance(name, str) and name.endswith(".context_length") and isinstance(value, int):
                return value
    raise KeyError("context_length")


def _read(file: BinaryIO, kind: int) -> str | int | None:
    """The next value; None for an array, which is skipped."""
    if kind in _FIXED:
        return _read_fixed(file, _FIXED[kind])
    length = _read_fixed(file, "<Q") if kind == _TEXT else 0
    if kind == _TEXT:
        return file.read(length).decode("utf-8", "replace")
    inner, count = struct.unpack("<IQ", file.read(12))
    for _ in range(count):
        _read(file, inner)
    return None


def _read_fixed(file: BinaryIO, form: str) -> int:
    value: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return value
