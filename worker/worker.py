"""Omnispan's worker: serves one model over gRPC (`python worker/worker.py`, `--help` for the settings).

Exit codes: 0 stopped as asked, 1 could not start, 2 a setting is wrong, 3 the backend died or the port was
lost while it served.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Coroutine
from typing import Protocol, TextIO, cast

import address
import config
import lifetime
import logs
import tls
from backends.backend import Backend, Failure, LoadError, Row, missing_package
from config import Settings, SettingsError

GRACE_SECONDS = 10.0


class DiedError(Exception):
    """The worker can never answer again; the text is one line that says why."""


class BackendModule(Protocol):
    def make(self, settings: Settings) -> Backend:
        """Raises LoadError or SettingsError."""


def main(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        print(config.help_text())
        return 0
    if arguments:
        return _complain(2, [f'the worker takes no arguments but --help, got "{arguments[0]}"'])
    stdout = _take_stdout()
    try:
        settings = config.read()
        logs.start(settings[config.LOG_LEVEL])
        asyncio.run(run(settings, stdout))
    except SettingsError as error:
        return _complain(2, error.problems)
    except (LoadError, address.AddressError) as error:
        logging.getLogger("worker").debug("could not start", exc_info=True)
        return _complain(1, [str(error)])
    except DiedError as error:
        return _complain(3, [str(error)])
    return 0


async def run(settings: Settings, stdout: TextIO) -> None:
    """Serves until asked to stop. Raises SettingsError, LoadError or AddressError when it can't start, and
    DiedError when the backend has died or the port is lost: a new process is the only way back, and who started this
    one sees it.
    """
    stop = lifetime.watch(settings[config.EXIT_ON_STDIN_CLOSE])
    host, port = settings[config.HOST], settings[config.PORT]
    certificates = tls.read(settings)
    address.probe(host, port)
    if certificates is None and not address.is_loopback(host):
        logs.event(logging.WARNING, "others can reach this address, and nothing on it is encrypted", host=host)
    backend = _make_backend(settings)
    _require_grpc(settings[config.BACKEND])
    if certificates is not None:
        from listening import try_out

        await try_out(host, certificates)
    try:
        if not await _unless(stop, _load(backend)):
            logs.event(logging.INFO, "stopped while loading")
            logs.flush()
            os._exit(0)  # nothing is served yet, and a load in native code can't be interrupted
        await _serve(backend, settings, certificates, stop, stdout)
    finally:
        await backend.close()
    logs.event(logging.INFO, "stopped")


async def _serve(
    backend: Backend,
    settings: Settings,
    certificates: tls.Certificates | None,
    stop: asyncio.Event,
    stdout: TextIO,
) -> None:
    from server import Server

    host, port = settings[config.HOST], settings[config.PORT]
    server = Server(backend, settings, certificates)
    try:
        port = await server.start(host, port)
    except RuntimeError as error:
        address.probe(host, port)  # says more than gRPC does
        raise address.AddressError(f"can't listen on {address.join(host, port)}: {error}") from error
    print(f"worker listening on {address.join(host, port)} {backend.info}", file=stdout, flush=True)
    died = [asyncio.create_task(backend.died()), asyncio.create_task(server.lost())]
    stopping = asyncio.create_task(stop.wait())
    ended, _ = await asyncio.wait((*died, stopping), return_when=asyncio.FIRST_COMPLETED)
    lifetime.limit_stop()
    await server.stop(GRACE_SECONDS)  # calls in flight have their failure by now, or get it here
    if not stop.is_set():
        raise DiedError(next(task.result() for task in died if task in ended))
    for task in died:
        task.cancel()


def _make_backend(settings: Settings) -> Backend:
    name = settings[config.BACKEND]
    # Imported by name, so that a backend's own imports are paid only by who uses it.
    module = cast(BackendModule, importlib.import_module(f"backends.{name}"))
    return module.make(settings)


def _require_grpc(backend: str) -> None:
    """Raises LoadError when gRPC's packages are missing: before the model is loaded, not after."""
    try:
        importlib.import_module("server")
    except ImportError as error:
        raise missing_package(error, backend) from error


async def _load(backend: Backend) -> None:
    """Loads the model and lets it answer once, so that health can promise it."""
    logs.event(logging.INFO, "loading", backend=backend.info.backend, model=backend.info.model)
    await backend.load()
    (outcome,) = await backend.generate([Row("Say hello.", 2)])
    if isinstance(outcome, Failure):
        raise LoadError(f"{backend.info} was loaded but could not answer: {outcome.message}")


async def _unless(stop: asyncio.Event, work: Coroutine[object, object, None]) -> bool:
    """True when the work was done, False when the stop came first. The work's exception is raised."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        working.result()
        return True
    working.cancel()
    return False


def _take_stdout() -> TextIO:
    """stdout is for the one line that a parent process reads; what runtimes print goes to stderr instead."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _complain(code: int, lines: list[str]) -> int:
    for line in lines:
        logs.write(f"worker: {' '.join(line.split())}")
    return code


if __name__ == "__mp_main__":  # a process of a runtime of ours, started with `spawn`
    lifetime.end_with_parent()

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
