"""When the worker has to end: SIGTERM, SIGINT, or its stdin closing when another process started it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from logs import event

HARD_SECONDS = 30.0  # a stop that takes longer than this ends the process as it is

PARENT_POLL_SECONDS = 1.0


def watch(supervised: bool) -> asyncio.Event:
    """The event that is set when the worker has to stop.

    A supervised worker never outlives its parent, however that ended: it stops at the end of its stdin. It ignores
    SIGINT: Ctrl-C reaches the parent too, which decides.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def ask(why: str) -> None:
        event(logging.INFO, "stopping", why=why)
        limit_stop()
        stop.set()

    _on_signal(loop, signal.SIGTERM, lambda: ask("SIGTERM"))
    if supervised:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_read_stdin, args=(loop, lambda: ask("stdin closed")), daemon=True).start()
    else:
        _on_signal(loop, signal.SIGINT, lambda: ask("SIGINT"))
    return stop


def limit_stop() -> None:
    """From now on the process has HARD_SECONDS to end."""
    deadline = threading.Timer(HARD_SECONDS, os._exit, [1])
    deadline.daemon = True
    deadline.start()


def end_with_parent() -> None:
    """Ends this process when the one that started it has ended, even by SIGKILL: the parent sends nothing then."""
    parent = os.getppid()

    def poll() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=poll, daemon=True).start()


def _on_signal(loop: asyncio.AbstractEventLoop, number: signal.Signals, ask: Callable[[], None]) -> None:
    if sys.platform == "win32":  # its event loop has no signal handlers
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ask))
    else:
        loop.add_signal_handler(number, ask)


def _read_stdin(loop: asyncio.AbstractEventLoop, ask: Callable[[], None]) -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # no stdin at all, so no process holds its other end
        pass
    limit_stop()  # the event loop alone is not enough: it may be stuck behind a load
    loop.call_soon_threadsafe(ask)
