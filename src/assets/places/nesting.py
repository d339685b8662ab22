"""Rooms in rooms: whether one can stand in another, and in which order people read them. Pure."""

from collections.abc import Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from assets.web.language import N_

T = TypeVar("T")
Parents = Mapping[UUID, UUID | None]


def refused(parents: Parents, room: UUID | None, parent: UUID | None) -> str | None:
    """Why a room (None: a new one) cannot stand in `parent`, as a source phrase; None when it can.

    `parents` are all rooms of the room's site, each with the one that it is in.
    """
    if parent is None:
        return None
    if parent not in parents:
        return N_("There is no such room at this site.")
    if room is not None and room in ancestors(parents, parent):
        return N_("A room cannot stand in itself or in a room that is in it.")
    return None


def ancestors(parents: Parents, room: UUID) -> list[UUID]:
    """A room and all that it is in, from the inside out."""
    found = [room]
    while (above := parents[found[-1]]) is not None:
        found.append(above)
    return found


def tree(rooms: Iterable[tuple[UUID, UUID | None, T]]) -> list[tuple[int, T]]:
    """Rooms (id, parent, anything) with their depth, each behind the one that it is in; beside each other as they came."""
    inside: dict[UUID | None, list[tuple[UUID, T]]] = {}
    for key, parent, thing in rooms:
        inside.setdefault(parent, []).append((key, thing))
    found: list[tuple[int, T]] = []
    waiting = [(0, *one) for one in reversed(inside.get(None, []))]
    while waiting:
        depth, key, thing = waiting.pop()
        found.append((depth, thing))
        waiting += [(depth + 1, *one) for one in reversed(inside.get(key, []))]
    return found
