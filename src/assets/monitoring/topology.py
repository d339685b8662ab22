"""Who is only missing because something before it is. Pure.

When the way to a target is not known it counts as reachable: then its silence is told to a human.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

DEPTH_MAX = 8


def ancestors(target: UUID, parent_of: Mapping[UUID, UUID | None]) -> tuple[UUID, ...]:
    """What stands between the collector and `target`, nearest first; a loop or a chain too long ends where it began."""
    chain: list[UUID] = []
    here = parent_of.get(target)
    while here is not None and here != target and here not in chain and len(chain) < DEPTH_MAX:
        chain.append(here)
        here = parent_of.get(here)
    return tuple(chain)


def blocked_by(chain: Iterable[UUID], seen_now: Mapping[UUID, bool], down_already: frozenset[UUID]) -> UUID | None:
    """The farthest thing on the way that does not answer: the one to blame. None when the way is open or not known.

    What the collector has just seen of a parent outweighs what was known of it before.
    """
    blamed = None
    for step in chain:
        answers = seen_now.get(step, step not in down_already)
        if not answers:
            blamed = step
    return blamed
