"""Structured log lines on stderr: `time level logger event name=value ...`.

Prompts and answers never go into a log line, at no level: callers pass counts, times and ids.
"""

from __future__ import annotations

import json
import logging
import sys
import time

log = logging.getLogger("worker")


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        fields: dict[str, object] = getattr(record, "fields", {})
        parts = [moment, record.levelname.lower(), record.name, record.getMessage()]
        parts += [f"{name}={_value(value)}" for name, value in fields.items()]
        if record.exc_info:
            parts.append(f"error={_value(self.formatException(record.exc_info))}")
        return " ".join(parts)


def _value(value: object) -> str:
    """Quoted when it would break the line or the next name=value."""
    if isinstance(value, float):
        return f"{value:.2f}"
    text = str(value)
    return json.dumps(text) if not text or any(character in text for character in ' "=\n\r\t') else text


def event(level: int, text: str, **fields: object) -> None:
    """One log line with its fields."""
    log.log(level, text, extra={"fields": fields})


def start(level: str) -> None:
    """Sends every logger's lines at `level` and above to stderr; libraries only from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level.upper())), handlers=[handler])
    for name in ("worker", "backends", "models"):
        logging.getLogger(name).setLevel(level.upper())
