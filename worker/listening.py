"""The port: open from the start to the stop, whatever comes through it.

grpc.aio leaves its serving loop at a call whose path is no UTF-8: its port closes, in a process that goes on. As the
loaded model must not be lost to that, a new server takes the port then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import grpc

import address
from config import TLS_CERT, SettingsError
from logs import event
from tls import Certificates

TRIES = 250  # how often a lost port is tried
TRY_SECONDS = 0.02  # between two of them


class Listener:
    """Serves what `make` makes; a server that dies is replaced by the next on the same port.

    The calls of a server that died are cancelled: nobody reads for them any more.
    """

    def __init__(self, make: Callable[[], grpc.aio.Server], certificates: Certificates | None) -> None:
        self._make = make
        self._certificates = certificates
        self._server = make()
        self._ends: set[asyncio.Task[None]] = set()  # the ends of servers that died

    async def start(self, host: str, port: int) -> int:
        """Gives the port. Raises RuntimeError when the address can't be listened on."""
        port = add_port(self._server, host, port, self._certificates)
        self._watch = asyncio.create_task(self._listen_on(host, port, await _start(self._server)))
        return port

    async def lost(self) -> str:
        """Returns when the port is lost for good, and why."""
        return await asyncio.shield(self._watch)

    async def stop(self, grace_seconds: float) -> None:
        """Closes the port, and cancels the calls that have not ended after `grace_seconds`."""
        self._watch.cancel()
        await asyncio.wait((self._watch,))
        await _end(self._server, grace_seconds)

    async def _listen_on(self, host: str, port: int, loop: asyncio.Task[object]) -> str:
        while True:
            await asyncio.wait((loop,))
            event(logging.ERROR, "gRPC stopped serving, listening again", error=_kind(loop))
            end = asyncio.create_task(_end(self._server, None))
            self._ends.add(end)
            end.add_done_callback(self._ends.discard)
            for left in reversed(range(TRIES)):
                try:
                    address.probe(host, port)
                    self._server = self._make()
                    add_port(self._server, host, port, self._certificates)
                    break
                except (address.AddressError, RuntimeError) as error:
                    if not left:
                        return f"gRPC stopped serving, and the port can't be had again: {error}"
                await asyncio.sleep(TRY_SECONDS)
            loop = await _start(self._server)


def add_port(server: grpc.aio.Server, host: str, port: int, certificates: Certificates | None) -> int:
    """Gives the port, which speaks TLS alone when there are certificates. Raises RuntimeError when the address can't be
    listened on, or gRPC can't use the certificates."""
    if certificates is None:
        return server.add_insecure_port(address.join(host, port))
    credentials = grpc.ssl_server_credentials(
        [(certificates.key, certificates.chain)],
        root_certificates=certificates.client_ca,
        require_client_auth=certificates.client_ca is not None,
    )
    return server.add_secure_port(address.join(host, port), credentials)


async def try_out(host: str, certificates: Certificates) -> None:
    """Raises SettingsError for certificates that OpenSSL takes and gRPC does not, such as one on an uncommon curve."""
    server = grpc.aio.server()
    try:
        add_port(server, host, 0, certificates)
    except RuntimeError as error:
        raise SettingsError(
            [f"{TLS_CERT.name} must be a certificate that gRPC can use, such as one of RSA or P-256"]
        ) from error
    finally:
        await server.stop(None)


async def _start(server: grpc.aio.Server) -> asyncio.Task[object]:
    """Starts the server and returns the task that serves. No public call reports at once when that ends."""
    before = asyncio.all_tasks()
    await server.start()
    new = asyncio.all_tasks() - before
    loops = (task for task in new if getattr(task.get_coro(), "__name__", "") == "_server_main_loop")
    return next(loops, None) or asyncio.create_task(server.wait_for_termination())


async def _end(server: grpc.aio.Server, grace_seconds: float | None) -> None:
    """Stops it, also when it has died: its first stop, its own or this one, raises what it died of."""
    try:
        await server.stop(grace_seconds)
    except Exception as error:
        event(logging.DEBUG, "stopping a server that died", error=type(error).__name__)
        await server.stop(grace_seconds)


def _kind(task: asyncio.Task[object]) -> str:
    error = None if task.cancelled() else task.exception()
    return type(error).__name__
