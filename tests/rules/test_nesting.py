"""Rooms in rooms: no circle can be made, and a tree shows each room once behind the one that it is in."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from assets.places.nesting import ancestors, refused, tree


def key(number: int) -> UUID:
    return UUID(int=number)


HOUSE, FLOOR, COUNTER, SHED = (key(n) for n in range(1, 5))
PARENTS = {HOUSE: None, FLOOR: HOUSE, COUNTER: FLOOR, SHED: None}


def test_when_a_room_would_stand_in_itself_or_below_itself_then_it_is_refused() -> None:
    assert refused(PARENTS, FLOOR, SHED) is None
    assert refused(PARENTS, FLOOR, None) is None
    assert refused(PARENTS, None, COUNTER) is None
    for parent in (FLOOR, COUNTER):
        assert "in itself" in (refused(PARENTS, FLOOR, parent) or "")
    assert "no such room" in (refused(PARENTS, FLOOR, key(99)) or "")


@given(st.lists(st.tuples(st.integers(0, 11), st.none() | st.integers(0, 11)), max_size=60))
def test_whatever_is_moved_where_it_may_then_every_room_still_leads_out_of_the_site(
    moves: list[tuple[int, int | None]],
) -> None:
    parents: dict[UUID, UUID | None] = {key(n): None for n in range(12)}
    for room, parent in moves:
        inside = None if parent is None else key(parent)
        if refused(parents, key(room), inside) is None:
            parents[key(room)] = inside
    for room in parents:
        assert len(ancestors(parents, room)) <= 12
    shown = tree((room, parent, room) for room, parent in parents.items())
    assert sorted(room.int for _, room in shown) == list(range(12))
    place = {room: number for number, (_, room) in enumerate(shown)}
    for depth, room in shown:
        parent = parents[room]
        assert depth == len(ancestors(parents, room)) - 1
        assert parent is None or place[parent] < place[room]
