"""A call whose path is no UTF-8, which grpc.aio's serving loop does not survive."""

from __future__ import annotations

import asyncio
import ssl

SECONDS = 20.0


async def bad_path_call(target: str, tls: ssl.SSLContext | None = None) -> None:
    host, _, port = target.rpartition(":")
    fields = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": b"/omnispan.\xb8",
        b":authority": b"test",
        b"content-type": b"application/grpc",
        b"te": b"trailers",
    }
    literals = [bytes([0, len(name)]) + name + bytes([len(value)]) + value for name, value in fields.items()]
    reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 4 | 1, 1, b"".join(literals)))
    await asyncio.wait_for(reader.read(), SECONDS)  # until it is closed
    writer.close()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload
