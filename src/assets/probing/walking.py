"""How a walk goes on and when it ends: no sockets here, so that both doors share one set of guards.

A walk must rise, stay inside its subtrees, and end within ROWS_MAX rows, PDUS_MAX replies and WALK_SECONDS_MAX
seconds. What a guard cuts is marked truncated, never silently complete.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from assets.probing import oid
from assets.probing.ber import Binding, Value
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
from assets.probing.shapes import Column, Shape

_TOO_BIG, _NO_SUCH_NAME, _GENERAL_ERROR = 1, 2, 5


async def get_in_parts(
    ask: Callable[[tuple[str, ...]], Awaitable[tuple[int, int, Sequence[Binding] | dict[str, Value]]]],
    oids: Sequence[str],
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
            found |= bindings if isinstance(bindings, dict) else values(names, bindings)
        elif status == _TOO_BIG and len(names) > 1:
            half = len(names) // 2
            queue[:0] = [names[:half], names[half:]]
        elif status in (_NO_SUCH_NAME, _GENERAL_ERROR):
            if len(names) > 1 and 1 <= index <= len(names):
                # An agent of the v1 age refuses the whole question for one name: ask for the others.
                queue.insert(0, names[: index - 1] + names[index:])
        elif status != _TOO_BIG:
            raise Malformed("device_error", status=status)
    return found


def values(names: tuple[str, ...], bindings: Sequence[Binding]) -> dict[str, Value]:
    """What was found under these names; absent ones are left out."""
    return {n: b[1] for n, b in zip(names, bindings, strict=True) if b[1] is not None}


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
    """The next question: what comes after these names, below these roots, so many times.

    `whole` says that every row is wanted, so that what a reply means depends on the question alone.
    """

    names: tuple[str, ...]
    repetitions: int
    roots: tuple[str, ...] = ()
    whole: bool = True


@dataclass(slots=True)
class Answer:
    """A reply as decoded, with the shape to be learnt from it; or, by a shape that is known, its changing values."""

    status: int
    index: int = 0
    bindings: Sequence[Binding] = ()
    shape: Shape | None = None
    values: Sequence[Any] | None = None


class Walk:
    """One walk of one device below one or more roots; times are monotonic seconds."""

    def __init__(
        self,
        roots: Sequence[str],
        *,
        now: float,
        limit: int | None = None,
        texts: bool = False,
        expected: int | None = None,
    ) -> None:
        self._columns = [_Column(root, oid.encode(root)) for root in dict.fromkeys(roots)]
        self._limit = limit
        self._expected = expected  # rows a column had the last time
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
        elif self._expected is not None and not any(c.seen for c in self._asked):
            self._repetitions = min(self._repetitions, self._expected + 1)  # one more shows that nothing follows
        self._pdus += 1
        asked = self._asked
        return Step(
            tuple([c.after for c in asked]), self._repetitions, tuple([c.root for c in asked]), self._limit is None
        )

    def take(self, answer: Answer) -> None:
        """Adds one reply to the rows."""
        if answer.values is not None and answer.shape is not None:
            self._take_known(answer.shape.meaning, answer.values)
            return
        status, bindings = answer.status, answer.bindings
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
            added: list[list[int]] = [[] for _ in self._asked]
            width = len(self._asked)
            for position, binding in enumerate(bindings):
                if self._add(self._asked[position % width], *binding):
                    added[position % width].append(position)
            if answer.shape is not None and self._limit is None and not self.reasons:
                answer.shape.meaning = self._meaning(answer.shape, bindings, added)

    def _meaning(self, shape: Shape, bindings: Sequence[Binding], added: list[list[int]]) -> tuple[Column, ...]:
        """What a reply of this shape adds to the columns that this question asks for."""
        values = {binding: position for position, binding in enumerate(shape.bindings, start=1)}
        columns = []
        for column, numbers in zip(self._asked, added, strict=True):
            tails = {n: oid.suffix(bindings[n][0][len(column.prefix) :]) for n in numbers}
            changing = [n for n in numbers if n in values]
            fixed = {tails[n]: v for n in numbers if n not in values and (v := bindings[n][1]) is not None}
            columns.append(
                Column(
                    tuple(tails[n] for n in changing),
                    _picker([values[n] for n in changing]),
                    fixed,
                    len(numbers),
                    column.arcs,
                    column.last,
                    column.done,
                )
            )
        return tuple(columns)

    def _take_known(self, meaning: tuple[Column, ...], values: Sequence[Any]) -> None:
        if self.rows + sum([c.seen for c in meaning]) > ROWS_MAX:
            self.cut("walk too long")
            return
        for column, told in zip(self._asked, meaning, strict=True):
            column.rows.update(zip(told.suffixes, told.pick(values), strict=True))
            if told.fixed:
                column.rows.update(told.fixed)
            if told.seen:
                column.arcs, column.last = told.arcs, told.last
                column.seen += told.seen
                self.rows += told.seen
            column.done = told.done

    @property
    def longest(self) -> int:
        """Rows of the longest column so far."""
        return max((c.seen for c in self._columns), default=0)

    def cut(self, reason: str) -> None:
        """Ends the walk before its end."""
        self.reasons.append(reason)

    def walked(self) -> Walked:
        """Everything so far."""
        return Walked({c.root: c.rows for c in self._columns}, truncated=bool(self.reasons))

    def _add(self, column: _Column, name: bytes, value: Value | None, end: bool) -> bool:
        if column.done or self.reasons:
            return False
        inside = name.startswith(column.prefix) and len(name) > len(column.prefix)
        tail = name[len(column.prefix) :] if inside else name
        try:
            arcs = oid.arcs(tail)
        except ValueError:
            self.cut("not well-made")
            return False
        if end or not inside:
            column.done = True
            return False
        text = oid.suffix(tail)
        if arcs <= column.arcs:
            self.cut("names do not rise")
            return False
        if self.rows >= ROWS_MAX:
            self.cut("walk too long")
            return False
        column.arcs, column.last = arcs, text
        column.seen += 1
        self.rows += 1
        if value is not None:
            column.rows[text] = value
        column.done = self._limit is not None and column.seen >= self._limit
        return True

    def _ask_less(self) -> None:
        """Halves the next question; an agent that cannot answer one name after one name is given up."""
        if self._repetitions > 1:
            self._budget = max(1, self._budget // 2)
        elif len(self._asked) > 1:
            self._width = max(1, len(self._asked) // 2)
            self._budget = self._width
        else:
            self.cut("nothing fits into an answer")


def _picker(positions: list[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """What takes the values at these positions, in one step of the interpreter."""
    if not positions:
        return itemgetter(slice(0, 0))
    step = positions[1] - positions[0] if len(positions) > 1 else 1
    if positions == list(range(positions[0], positions[-1] + 1, step)):
        return itemgetter(slice(positions[0], positions[-1] + 1, step))
    return itemgetter(*positions)


async def run(walk: Walk, peer: Peer, ask: Callable[[Step], Awaitable[Answer]]) -> Walked:
    """Asks step by step until the walk is over; Silent or Malformed is raised only if not one row came."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    if step := walk.next(started):
        walk.take(await ask(step))  # has the time of all its tries
    if not (step := walk.next(now := loop.time())):
        return walk.walked()
    patience = max(WALK_SECONDS_MAX, peer.timeout_seconds * peer.tries)
    try:
        async with asyncio.timeout_at(max(now, started + patience)):
            while step:
                walk.take(await ask(step))
                step = walk.next(loop.time())
    except TimeoutError:
        if not walk.rows:
            raise Silent("no_row", seconds=patience) from None
        walk.cut("walk too long")
    except (Silent, Malformed):
        if not walk.rows:
            raise
        walk.cut("no further answer")
    return walk.walked()
