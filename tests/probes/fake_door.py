"""A door that answers from a dictionary, and fails on demand."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from assets.probing.ber import Value
from assets.probing.door import DeviceError, Peer, Polled, Walked, poll_in_parts


def _arcs(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


@dataclass
class FakeDoor:
    """`values` is what the device has; `fails` is raised at the question of that number (0 is the first)."""

    values: dict[str, Value]
    fails: dict[int, DeviceError] = field(default_factory=dict)
    truncates: bool = False
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def get(self, peer: Peer, oids: Sequence[str]) -> dict[str, Value]:
        self._note(oids)
        return {o: self.values[o] for o in oids if o in self.values}

    async def walk(self, peer: Peer, roots: Sequence[str], *, limit: int | None = None, texts: bool = False) -> Walked:
        self._note(roots)
        columns: dict[str, dict[str, Value]] = {}
        for root in roots:
            rows = {o[len(root) + 1 :]: v for o, v in self.values.items() if o.startswith(root + ".")}
            columns[root] = {index: rows[index] for index in sorted(rows, key=_arcs)[:limit]}
        return Walked(columns, self.truncates)

    async def poll(self, peer: Peer, names: tuple[str, ...], roots: tuple[str, ...]) -> Polled:
        return await poll_in_parts(self, peer, names, roots)

    async def close(self) -> None:
        self.values = {}

    def _note(self, names: Sequence[str]) -> None:
        number = len(self.asked)
        self.asked.append(tuple(names))
        if number in self.fails:
            raise self.fails[number]
