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
from logs import event

TRIES = 250  # to have the port again
TRY_SECONDS = 0.02  # between two of them


class Listener:
    """Serves what `make` makes; a server that dies is replaced by the next on the same port.

    The calls of a server that died are cancelled: nobody reads for them any more.
    """

    def __init__(self, make: Callable[[], grpc.aio.Server]) -> None:
        self._make = make
        self._server = make()
        self._ends: set[asyncio.Task[None]] = set()  # of servers that died

    async def start(self, host: str, port: int) -> int:
        """Gives the port. Raises RuntimeError when the address can't be listened on."""
        port = self._server.add_insecure_port(address.join(host, port))
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
                    self._server.add_insecure_port(address.join(host, port))
                    break
                except (address.AddressError, RuntimeError) as error:
                    if not left:
                        return f"gRPC stopped serving, and the port can't be had again: {error}"
                await asyncio.sleep(TRY_SECONDS)
            loop = await _start(self._server)


async def _start(server: grpc.aio.Server) -> asyncio.Task[object]:
    """Starts it and gives the task that serves. Nothing public tells at once when that ends."""
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
