"""Structured log lines on stderr: `time level logger event name=value ...`.

Prompts and answers never go into a log line, at no level: callers pass counts, times and ids. Nothing waits for the
reader of stderr: a thread writes, and beyond a limit lines are dropped and counted.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
from collections import deque

MOST_WAITING = 1 << 20  # bytes of lines that wait for the reader
FLUSH_SECONDS = 0.5  # how long the last lines get to leave
FULL_SECONDS = 0.02  # between two tries at a pipe that is full and non-blocking

log = logging.getLogger("worker")


class LineWriter:
    """Writes lines to a file descriptor on a thread of its own. While lines are dropped, all are, until those that wait
    have been written; then their count is written in their place.
    """

    def __init__(self, descriptor: int, most_waiting: int = MOST_WAITING) -> None:
        self._descriptor = descriptor
        self._most_waiting = most_waiting
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._dropped = 0
        self._writing = False
        self._changed = threading.Condition()
        self._started = False

    def write(self, line: str) -> None:
        data = f"{line}\n".encode(errors="replace")
        with self._changed:
            if self._dropped or self._waiting + len(data) > self._most_waiting:
                self._dropped += 1
                return
            self._lines.append(data)
            self._waiting += len(data)
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="log", daemon=True).start()
            self._changed.notify_all()

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Returns when all has been written, or when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._lines or self._writing or self._dropped), seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._dropped)
                data = self._lines.popleft() if self._lines else self._count_of_dropped()
                self._writing = True
            _write_all(self._descriptor, data)
            with self._changed:
                self._writing = False
                self._waiting -= len(data)
                self._changed.notify_all()

    def _count_of_dropped(self) -> bytes:
        """From here on lines are taken again: they come after the count."""
        data = _dropped_line(self._dropped)
        self._dropped = 0
        self._waiting += len(data)
        return data


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:  # another program has set the pipe to non-blocking, and it is full
            time.sleep(FULL_SECONDS)
        except OSError:  # the pipe has no reader
            return


def _dropped_line(count: int) -> bytes:
    return f"{_now(time.time())} warning worker lines were dropped here: nobody read stderr lines={count}\n".encode()


_stderr = LineWriter(2)
atexit.register(_stderr.flush)
write, flush = _stderr.write, _stderr.flush


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        write(self.format(record))


def _now(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}Z"


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = getattr(record, "fields", {})
        parts = [_now(record.created), record.levelname.lower(), record.name, record.getMessage()]
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
    handler = _Handler()
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level.upper())), handlers=[handler])
    for name in ("worker", "backends", "models"):
        logging.getLogger(name).setLevel(level.upper())
