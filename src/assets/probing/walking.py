"""How a walk goes on and when it ends: no sockets here, so that both doors share one set of guards.

A walk must rise, stay inside its subtrees, and end within ROWS_MAX rows, PDUS_MAX replies and WALK_SECONDS_MAX
seconds. What a guard cuts is marked truncated, never silently complete.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from assets.probing import oid
from assets.probing.ber import Bindings, Value
from assets.probing.door import (
    BULK_NAMES,
    BULK_TEXTS,
    GET_NAMES_MAX,
    PDUS_MAX,
    ROOTS_MAX,
    ROWS_MAX,
    WALK_SECONDS_MAX,
    Malformed,
    Peer,
    Silent,
    Walked,
)

_TOO_BIG, _NO_SUCH_NAME, _GENERAL_ERROR = 1, 2, 5


async def get_in_parts(
    ask: Callable[[tuple[str, ...]], Awaitable[tuple[int, int, Bindings]]], oids: Sequence[str]
) -> dict[str, Value]:
    """GETs names in portions that a device can answer; `ask` returns (error status, error index, bindings).

    Ends: each step either settles a portion, halves it, or drops the one name that the device complains of.
    """
    found: dict[str, Value] = {}
    queue = [tuple(oids[i : i + GET_NAMES_MAX]) for i in range(0, len(oids), GET_NAMES_MAX)]
    while queue:
        names = queue.pop(0)
        status, index, bindings = await ask(names)
        if status == 0:
            found |= {n: b[1] for n, b in zip(names, bindings, strict=True) if b[1] is not None}
        elif status == _TOO_BIG and len(names) > 1:
            half = len(names) // 2
            queue[:0] = [names[:half], names[half:]]
        elif status in (_NO_SUCH_NAME, _GENERAL_ERROR):
            if len(names) > 1 and 1 <= index <= len(names):
                # An agent of the v1 age refuses the whole question for one name: ask for the others.
                queue.insert(0, names[: index - 1] + names[index:])
        elif status != _TOO_BIG:
            raise Malformed(f"the device answers with error {status}")
    return found


@dataclass(slots=True)
class _Column:
    root: str
    prefix: bytes
    last: str = ""
    arcs: tuple[int, ...] = ()
    rows: dict[str, Value] = field(default_factory=dict)
    seen: int = 0
    done: bool = False

    @property
    def after(self) -> str:
        return f"{self.root}.{self.last}" if self.last else self.root


@dataclass(frozen=True, slots=True)
class Step:
    """The next question: what comes after these names, so many times."""

    names: tuple[str, ...]
    repetitions: int


class Walk:
    """One walk of one device below one or more roots; times are monotonic seconds."""

    def __init__(self, roots: Sequence[str], *, now: float, limit: int | None = None, texts: bool = False) -> None:
        self._columns = [_Column(root, oid.encode(root)) for root in dict.fromkeys(roots)]
        self._limit = limit
        self._budget = BULK_TEXTS if texts else BULK_NAMES
        self._width = ROOTS_MAX
        self._until = now + WALK_SECONDS_MAX
        self._pdus = 0
        self._asked: list[_Column] = []
        self._repetitions = 0
        self.rows = 0
        self.reasons: list[str] = []

    def next(self, now: float) -> Step | None:
        """What to ask next; None when the walk is over."""
        self._asked = [c for c in self._columns if not c.done][: self._width]
        if not self._asked or self.reasons:
            return None
        if self._pdus >= PDUS_MAX or now >= self._until or self.rows >= ROWS_MAX:
            self.cut("walk too long")
            return None
        self._repetitions = max(1, self._budget // len(self._asked))
        if self._limit is not None:
            wanted = max(self._limit - c.seen for c in self._asked)
            self._repetitions = max(1, min(self._repetitions, wanted))
        self._pdus += 1
        return Step(tuple(c.after for c in self._asked), self._repetitions)

    def take(self, status: int, bindings: Bindings) -> None:
        """Adds one reply to the rows."""
        if status == _NO_SUCH_NAME:  # agents of the v1 age end a walk so
            for column in self._asked:
                column.done = True
        elif status == _TOO_BIG or (status == 0 and not bindings):
            self._ask_less()
        elif status:
            self.cut(f"error {status}")
        elif len(bindings) > len(self._asked) * self._repetitions:
            self.cut("more than asked for")
        else:
            for position, binding in enumerate(bindings):
                self._add(self._asked[position % len(self._asked)], *binding)

    def cut(self, reason: str) -> None:
        """Ends the walk before its end."""
        self.reasons.append(reason)

    def walked(self) -> Walked:
        """Everything so far."""
        return Walked({c.root: c.rows for c in self._columns}, truncated=bool(self.reasons))

    def _add(self, column: _Column, name: bytes, value: Value | None, end: bool) -> None:
        if column.done or self.reasons:
            return
        if end or not name.startswith(column.prefix) or len(name) == len(column.prefix):
            column.done = True
            return
        tail = name[len(column.prefix) :]
        try:
            arcs, text = oid.arcs(tail), oid.suffix(tail)
        except ValueError:
            self.cut("not well-made")
            return
        if arcs <= column.arcs:
            self.cut("names do not rise")
            return
        if self.rows >= ROWS_MAX:
            self.cut("walk too long")
            return
        column.arcs, column.last = arcs, text
        column.seen += 1
        self.rows += 1
        if value is not None:
            column.rows[text] = value
        column.done = self._limit is not None and column.seen >= self._limit

    def _ask_less(self) -> None:
        """Halves the next question; an agent that cannot answer one name after one name is given up."""
        if self._repetitions > 1:
            self._budget = max(1, self._budget // 2)
        elif len(self._asked) > 1:
            self._width = max(1, len(self._asked) // 2)
            self._budget = self._width
        else:
            self.cut("nothing fits into an answer")


async def run(walk: Walk, peer: Peer, ask: Callable[[Step], Awaitable[tuple[int, Bindings]]]) -> Walked:
    """Asks step by step until the walk is over; Silent or Malformed is raised only if not one row came."""
    loop = asyncio.get_running_loop()
    patience = max(WALK_SECONDS_MAX, peer.timeout_seconds * peer.tries)  # the first question has all its tries
    try:
        async with asyncio.timeout(patience):
            while step := walk.next(loop.time()):
                walk.take(*await ask(step))
    except TimeoutError:
        if not walk.rows:
            raise Silent(f"no row in {patience:g} s") from None
        walk.cut("walk too long")
    except (Silent, Malformed):
        if not walk.rows:
            raise
        walk.cut("no further answer")
    return walk.walked()
