"""Finding out that WORKER_HOST:WORKER_PORT is taken, before a model is loaded, and saying who may hold it."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

FIRST_OUTGOING_PORT = 32768  # Linux's range for outgoing connections starts here


class AddressError(Exception):
    """The address can't be listened on; the text is for the user."""


def join(host: str, port: int) -> str:
    """host:port as gRPC takes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host. False for a name that is unknown."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(where[0]).partition("%")[0]).is_loopback for *_, where in found)


def probe(host: str, port: int) -> None:
    """Binds and lets go. Raises AddressError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # UnicodeError: it can't be a host's name
        raise AddressError(explain(host, port, error)) from error
    tried = [_try(family, kind, protocol, where) for family, kind, protocol, _, where in found]
    errors = [failed for failed in tried if failed]
    # gRPC listens on what it gets of a name's addresses. One of them in the hands of another program would take
    # some of the calls; one that this machine does not have (`localhost` without IPv6) does no harm.
    taken = [failed for failed in errors if failed.errno == errno.EADDRINUSE]
    if taken or len(errors) == len(found):
        worst = (taken or errors)[0]
        raise AddressError(explain(host, port, worst)) from worst


def _try(family: int, kind: int, protocol: int, where: tuple[object, ...]) -> OSError | None:
    try:
        with socket.socket(family, kind, protocol) as probing:
            if os.name == "posix":  # a connection of an ended worker, still in TIME_WAIT, does not count
                probing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probing.bind(where)
            probing.listen(1)  # two sockets may be bound to one address as long as none listens
    except OSError as error:
        return error
    return None


def explain(host: str, port: int, error: OSError | UnicodeError) -> str:
    """One line: the address, what went wrong, the likely cause and how to see it."""
    reason = getattr(error, "strerror", None) or error
    text = f"can't listen on WORKER_HOST:WORKER_PORT {join(host, port)}: {reason}"
    if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
        return text
    outgoing = (
        f" or, as ports from {FIRST_OUTGOING_PORT} serve outgoing connections too, one of those"
        if port >= FIRST_OUTGOING_PORT
        else ""
    )
    return (
        f"{text}; another worker{outgoing} holds it. To see who: `ss -tanp sport = :{port}` (Linux), "
        f"`lsof -nP -i :{port}` (macOS), `netstat -ano | findstr :{port}` (Windows)"
    )
