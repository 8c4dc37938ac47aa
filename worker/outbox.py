"""Deltas and ends of a stream's rows that its writer has not taken yet."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence

from backends.backend import Delta, Ended


class Outbox:
    """A Listener that never waits for its reader. It holds one delta a row: what comes while the reader is behind
    joins what is there, so it never holds more than the rows' answers."""

    def __init__(self) -> None:
        self._deltas: dict[int, Delta] = {}
        self._ended: list[Ended] = []
        self._news = asyncio.Event()
        self._taken: asyncio.Future[None] | None = None

    def __call__(self, deltas: Sequence[Delta], ended: Sequence[Ended]) -> asyncio.Future[None]:
        held = self._deltas
        if held:
            for delta in deltas:
                before = held.get(delta.number)
                held[delta.number] = delta if before is None else _join(before, delta)
        else:
            self._deltas = {delta.number: delta for delta in deltas}
        self._ended.extend(ended)
        self._news.set()
        if self._taken is None:
            self._taken = asyncio.get_running_loop().create_future()
        return self._taken

    def forget(self, numbers: Iterable[int]) -> None:
        """Drops what has not been taken of rows that are cancelled."""
        gone = set(numbers)
        for number in gone:
            self._deltas.pop(number, None)
        self._ended = [end for end in self._ended if end.number not in gone]

    def wake(self) -> None:
        """Ends the reader's wait without news."""
        self._news.set()

    async def wait(self) -> None:
        """Until there is news, or a wake."""
        await self._news.wait()

    def take(self) -> tuple[Collection[Delta], list[Ended]]:
        """All there is, each row's delta before its end; lets who waits for the reader go on."""
        deltas, self._deltas = self._deltas, {}
        ended, self._ended = self._ended, []
        self._news.clear()
        if self._taken is not None:
            if not self._taken.done():
                self._taken.set_result(None)
            self._taken = None
        return deltas.values(), ended


def _join(before: Delta, after: Delta) -> Delta:
    return Delta(before.number, before.token_index, before.tokens + after.tokens, before.text + after.text)
