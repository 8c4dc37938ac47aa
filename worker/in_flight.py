"""How many requests the worker has taken and not answered yet."""

from __future__ import annotations

import asyncio


class InFlight:
    def __init__(self) -> None:
        self.count = 0
        self._none = asyncio.Event()
        self._none.set()

    def enter(self, requests: int = 1) -> None:
        self.count += requests
        if self.count:
            self._none.clear()

    def leave(self, requests: int = 1) -> None:
        self.count -= requests
        if not self.count:
            self._none.set()

    async def none(self) -> None:
        """Waits until there is none."""
        await self._none.wait()
