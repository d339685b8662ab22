"""Long work of many looks on one loop, in pieces, so that between two of them messages come and go and deadlines hold.

What a device sends decides how long its look takes to be read, and many may come to an end together: in one round of
the loop all of them get PIECE_SECONDS. Who does not finish in that goes on in the next rounds; the longest works come
one after the other, so that short ones need not wait for them.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import TypeVar

PIECE_SECONDS = 0.01
T = TypeVar("T")


class Turns:
    """Who may work now."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until: float | None = None  # of this round of the loop
        self._long = asyncio.Lock()

    async def take(self, steps: Generator[None, None, T]) -> T:
        """What comes out of the steps, when all are done."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._until, self._long = loop, None, asyncio.Lock()
        own = 0.0
        while own < PIECE_SECONDS:  # who got only the rest of a round is not long yet
            while self._until is not None and loop.time() >= self._until:
                await asyncio.sleep(0)
            began = loop.time()
            if self._until is None:
                self._until = began + PIECE_SECONDS
                loop.call_soon(self._next_round)
            if ended := _piece(steps, self._until, loop):
                return ended[0]
            own += loop.time() - began
        async with self._long:
            while True:
                await asyncio.sleep(0)
                if ended := _piece(steps, loop.time() + PIECE_SECONDS, loop):
                    return ended[0]

    async def whole(self, work: Callable[[], T]) -> T:
        """What comes out of a work of some milliseconds that has no steps."""

        def steps() -> Generator[None, None, T]:
            yield
            return work()

        return await self.take(steps())

    def _next_round(self) -> None:
        self._until = None


def _piece(steps: Generator[None, None, T], until: float, loop: asyncio.AbstractEventLoop) -> tuple[T] | None:
    """(what came out), if it ended by then."""
    try:
        next(steps)
        while loop.time() < until:
            next(steps)
    except StopIteration as end:
        return (end.value,)
    return None
