"""Long work of many looks on one loop, in pieces, so that between two of them messages come and go and deadlines hold.

What a device sends decides how long its look takes to be read, and many may come to an end together: in one round of
the loop all of them get PIECE_SECONDS. Who does not finish in that goes on in the next rounds; the longest works come
one after the other, so that short ones need not wait for them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from typing import TypeVar

PIECE_SECONDS = 0.01
WOKEN_MAX = 32  # who can work in one round, and a few
T = TypeVar("T")


class Turns:
    """Who may work now."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin()

    def _begin(self) -> None:
        self._until: float | None = None  # of this round of the loop; None: nobody has worked in it yet
        self._due = False  # whether the next round is called already
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._long = asyncio.Lock()

    async def take(self, steps: Generator[None, None, T]) -> T:
        """What comes out of the steps, when all are done."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._begin()
        own = 0.0
        while own < PIECE_SECONDS:  # who got only the rest of a round is not long yet
            until = await self._room(loop)
            began = loop.time()
            if ended := _piece(steps, until, loop):
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

    async def _room(self, loop: asyncio.AbstractEventLoop) -> float:
        """Until when there is time in this round or, if there is none, in one of the next."""
        woken = False
        while True:
            if self._until is None:
                self._until = loop.time() + PIECE_SECONDS
                self._call(loop)
                return self._until
            if (woken or not self._waiting) and loop.time() < self._until:
                return self._until
            waiter: asyncio.Future[None] = loop.create_future()
            if woken:
                self._waiting.appendleft(waiter)
            else:
                self._waiting.append(waiter)
            await waiter
            woken = True

    def _call(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._due:
            self._due = True
            loop.call_soon(self._next_round, loop)

    def _next_round(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due, self._until = False, None
        woken = 0
        while self._waiting and woken < WOKEN_MAX:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                woken += 1
        if woken:
            self._call(loop)  # behind those who were woken, should none of them come to work


def _piece(steps: Generator[None, None, T], until: float, loop: asyncio.AbstractEventLoop) -> tuple[T] | None:
    """(what came out), if it ended by then."""
    try:
        next(steps)
        while loop.time() < until:
            next(steps)
    except StopIteration as end:
        return (end.value,)
    return None
