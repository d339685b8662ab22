"""The hot path against agents that lie, break and vanish: refused, counted, never hanging."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from unittest.mock import ANY

import pytest

from assets.ids import new_id
from assets.probing import ber
from assets.probing.ber import tlv
from assets.probing.contract import Community, User
from assets.probing.door import DeviceError, Malformed, NotAsked, Peer, Silent, Walked, WrongCredential
from assets.probing.flight import Flight
from assets.probing.wire import Wire
from tests.conftest import missing
from tests.probes.hostile import COMMUNITY, NAME, TEXT, Behaviour, Question, agent, reply

PUBLIC = Community(id=new_id(), community=COMMUNITY.decode())
TRY_SECONDS = 0.15


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    yield made
    await made.close()


def peer(port: int, *, address: str = "127.0.0.1", tries: int = 1, timeout: float = TRY_SECONDS) -> Peer:
    return Peer(address, port, PUBLIC, timeout, tries)


async def test_when_an_agent_answers_rightly_then_its_values_are_returned(wire: Wire) -> None:
    async with agent(lambda q, n: [reply(q)]) as honest:
        assert await wire.get(peer(honest.port), [NAME]) == {NAME: b"it-is-me"}
    assert not wire.refused


FORGED: list[tuple[str, Behaviour, str]] = [
    ("another request-id", lambda q, n: [reply(q, request_id=q.request_id ^ 0x00F0F0F0)], "unknown request-id"),
    ("another community", lambda q, n: [reply(q, community=b"private")], "another community"),
    ("version 1", lambda q, n: [reply(q, version=0)], "another version"),
    ("version 3", lambda q, n: [reply(q, version=3)], "another version"),
    ("a GET", lambda q, n: [reply(q, pdu=ber.GET)], "another PDU type"),
    ("a trap", lambda q, n: [reply(q, pdu=0xA7)], "another PDU type"),
    ("a report", lambda q, n: [reply(q, pdu=0xA8)], "another PDU type"),
    ("another object", lambda q, n: [reply(q, bindings=[("1.3.6.1.2.1.1.6.0", TEXT)])], "other names than asked for"),
    ("no object", lambda q, n: [reply(q, bindings=[])], "other names than asked for"),
    ("one object twice", lambda q, n: [reply(q, bindings=[(NAME, TEXT)] * 2)], "other names than asked for"),
    ("an impossible error", lambda q, n: [reply(q, status=99)], "an impossible error status"),
    ("a negative error", lambda q, n: [reply(q, status=-1)], "an impossible error status"),
    ("noise", lambda q, n: [b"\xff" * 40], "not well-made"),
    ("a single octet", lambda q, n: [b"0"], "not well-made"),
    ("a cut reply", lambda q, n: [reply(q)[:-3]], "not well-made"),
    ("a reply with a tail", lambda q, n: [reply(q) + b"\0"], "not well-made"),
    ("sixty thousand octets", lambda q, n: [reply(q, bindings=[(NAME, tlv(4, b"x" * 60_000))])], "too long"),
]


@pytest.mark.parametrize(("what", "behaviour", "reason"), FORGED, ids=[case[0] for case in FORGED])
async def test_when_the_device_answers_wrongly_then_it_answers_badly_and_is_not_called_silent(
    wire: Wire, what: str, behaviour: Behaviour, reason: str
) -> None:
    async with agent(behaviour) as liar:
        with pytest.raises(Malformed, match=reason):
            await wire.get(peer(liar.port), [NAME])
    assert wire.refused[reason] == 1


@pytest.mark.parametrize(("what", "behaviour", "reason"), FORGED, ids=[case[0] for case in FORGED])
async def test_when_a_right_answer_follows_a_forged_one_then_the_right_one_counts(
    wire: Wire, what: str, behaviour: Behaviour, reason: str
) -> None:
    def both(question: Question, before: int) -> Iterable[bytes]:
        return [*(behaviour(question, before) if before == 4 else []), reply(question)]

    async with agent(both) as honest:
        for _ in range(4):  # the shape of its answers is known by now
            assert await wire.get(peer(honest.port, timeout=1.0), [NAME]) == {NAME: b"it-is-me"}
        assert await wire.get(peer(honest.port, timeout=1.0), [NAME]) == {NAME: b"it-is-me"}
    assert wire.refused[reason] == 1


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.66"])
async def test_when_another_socket_answers_then_it_is_a_stranger_and_the_device_silent(wire: Wire, source: str) -> None:
    async with agent(lambda q, n: [reply(q)], from_address=source) as forged:
        with pytest.raises(Silent):
            await wire.get(peer(forged.port), [NAME])
    assert wire.refused == {"stranger": 1}


async def test_when_a_neighbour_answers_for_another_device_then_it_is_refused(wire: Wire) -> None:
    asked: list[Question] = []

    def silent(question: Question, before: int) -> Iterable[bytes]:
        asked.append(question)
        return []

    async with agent(silent) as victim, agent(lambda q, n: [reply(asked[0])]) as neighbour:
        first = asyncio.create_task(wire.get(peer(victim.port, timeout=1.0), [NAME]))
        await asyncio.sleep(0.02)
        with pytest.raises(Malformed, match="unknown request-id"):
            await wire.get(peer(neighbour.port, timeout=0.1), [NAME])
        with pytest.raises(Silent):
            await first


async def test_when_the_answer_to_the_first_try_comes_late_then_it_still_counts(wire: Wire) -> None:
    late: list[bytes] = []

    def slow(question: Question, before: int) -> Iterable[bytes]:
        late.append(reply(question))
        return late[:1] if before else []

    async with agent(slow) as tired:
        assert await wire.get(peer(tired.port, tries=2, timeout=0.1), [NAME]) == {NAME: b"it-is-me"}


async def test_when_the_loop_was_held_up_beyond_the_deadline_then_what_came_meanwhile_still_counts(wire: Wire) -> None:
    async with agent(lambda q, n: [reply(q)]) as honest:
        asking = asyncio.create_task(wire.get(peer(honest.port), [NAME]))
        while not wire.sockets():
            await asyncio.sleep(0)
        time.sleep(2 * TRY_SECONDS)
        assert await asking == {NAME: b"it-is-me"}


async def test_when_an_answer_comes_twice_or_too_late_then_nobody_is_blamed(wire: Wire) -> None:
    async with agent(lambda q, n: [reply(q), reply(q)]) as twice:
        for _ in range(3):
            await wire.get(peer(twice.port), [NAME])
        await asyncio.sleep(0.05)
    assert set(wire.refused) == {"late"}


async def test_when_nobody_listens_then_the_device_is_silent_again_and_again(wire: Wire) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    for _ in range(3):
        with pytest.raises(Silent, match=r"no answer in 2 x 0\.05 s"):
            await wire.get(peer(port, tries=2, timeout=0.05), [NAME])


@pytest.mark.parametrize("address", ["printer.example", "", "300.1.1.1", "127.0.0.1;ls"])
async def test_when_an_address_is_no_number_then_it_is_not_asked(wire: Wire, address: str) -> None:
    with pytest.raises(NotAsked, match="numeric"):
        await wire.get(peer(161, address=address), [NAME])


async def test_when_a_credential_is_not_for_this_door_then_it_is_not_asked(wire: Wire) -> None:
    user = User(id=new_id(), user="x", auth="sha1", auth_key="x" * 8, privacy="des", privacy_key="x" * 8)
    with pytest.raises(NotAsked, match="AES only"):
        await wire.get(Peer("127.0.0.1", 161, user), [NAME])


async def test_when_the_wire_closes_then_questions_under_way_end(wire: Wire) -> None:
    async with agent(lambda q, n: []) as quiet:
        asking = asyncio.create_task(wire.get(peer(quiet.port, timeout=30.0), [NAME]))
        await asyncio.sleep(0.02)
        await wire.close()
        with pytest.raises(NotAsked, match="stopped"):
            await asking
        with pytest.raises(NotAsked):
            await wire.get(peer(quiet.port), [NAME])


async def test_when_more_is_asked_than_may_be_in_flight_then_the_rest_waits_its_turn() -> None:
    narrow = Wire(Flight(in_flight_max=2))
    async with agent(lambda q, n: [reply(q)]) as honest:
        answers = await asyncio.gather(*(narrow.get(peer(honest.port, timeout=2.0), [NAME]) for _ in range(50)))
    assert all(answers)
    await narrow.close()


@pytest.mark.parametrize(("status", "index"), [(2, 1), (5, 1), (2, 0), (2, 999), (1, 0)])
async def test_when_an_agent_refuses_a_whole_question_then_the_others_are_asked_or_left_out(
    wire: Wire, status: int, index: int
) -> None:
    bad = "1.3.6.1.2.1.1.6.0"

    def old(question: Question, before: int) -> Iterable[bytes]:
        if bad in question.names:
            return [reply(question, status=status, index=index)]
        return [reply(question)]

    async with agent(old) as ancient:
        found = await wire.get(peer(ancient.port), [bad, NAME])
    assert found == ({} if index in (0, 999) and status == 2 else {NAME: b"it-is-me"})


@pytest.mark.parametrize("status", [6, 16])
async def test_when_an_agent_refuses_access_then_the_credential_is_wrong_and_not_the_device_down(
    wire: Wire, status: int
) -> None:
    async with agent(lambda q, n: [reply(q, status=status)]) as guarded:
        with pytest.raises(WrongCredential):
            await wire.get(peer(guarded.port), [NAME])


ROOT = "1.3.6.1.2.1.2.2.1.8"


def table(rows: int) -> Behaviour:
    """A column of so many rows and one object behind it, by GETNEXT and GETBULK."""

    def answer(question: Question, before: int) -> Iterable[bytes]:
        tail = question.names[0].removeprefix(ROOT).strip(".")
        at = int(tail or 0)
        count = max(1, question.repetitions) if question.pdu == ber.GETBULK else 1
        found = [(f"{ROOT}.{n}", tlv(2, b"\x01")) for n in range(at + 1, min(rows, at + count) + 1)]
        if len(found) < count:
            found.append(("1.3.6.1.2.1.2.2.1.9.1", tlv(2, b"\x01")))
        return [reply(question, bindings=found)]

    return answer


async def test_when_a_column_is_walked_then_all_rows_come_in_few_replies(wire: Wire) -> None:
    async with agent(table(130)) as honest:
        walked = await wire.walk(peer(honest.port), [ROOT])
    assert len(walked.columns[ROOT]) == 130
    assert not walked.truncated
    assert len(honest.questions) == 3


async def test_when_a_device_is_deaf_to_getbulk_then_it_is_walked_step_by_step_and_remembered(wire: Wire) -> None:
    rows = table(5)

    def deaf(question: Question, before: int) -> Iterable[bytes]:
        return [] if question.pdu == ber.GETBULK else rows(question, before)

    async with agent(deaf) as weak:
        first = await wire.walk(peer(weak.port), [ROOT])
        asked = len(weak.questions)
        second = await wire.walk(peer(weak.port), [ROOT])
    assert len(first.columns[ROOT]) == len(second.columns[ROOT]) == 5
    assert all(q.pdu == ber.GETNEXT for q in weak.questions[asked:])


async def test_when_a_device_is_polled_as_others_are_and_is_deaf_to_getbulk_then_its_rows_come_all_the_same(
    wire: Wire,
) -> None:
    rows = table(5)

    def good(question: Question, before: int) -> Iterable[bytes]:
        return [reply(question)] if question.pdu == ber.GET else rows(question, before)

    def deaf(question: Question, before: int) -> Iterable[bytes]:
        return [] if question.pdu == ber.GETBULK else good(question, before)

    async with agent(good) as others, agent(deaf) as weak:
        for _ in range(4):
            polled = await wire.poll(peer(others.port), (NAME,), (ROOT,))
        for _ in range(2):
            assert await wire.poll(peer(weak.port), (NAME,), (ROOT,)) == replace(polled, seconds=ANY)


async def test_when_a_table_grows_and_shrinks_between_polls_then_every_poll_has_all_of_it(wire: Wire) -> None:
    size = 5

    def changing(question: Question, before: int) -> Iterable[bytes]:
        return [reply(question)] if question.pdu == ber.GET else table(size)(question, before)

    async with agent(changing) as switch:
        for size in (5, 5, 5, 7, 7, 7, 3, 3, 3, 0, 0, 4, 70, 70, 70):
            polled = await wire.poll(peer(switch.port), (NAME,), (ROOT,))
            assert polled.scalars == {NAME: b"it-is-me"}
            assert isinstance(polled.walked, Walked)
            assert [*polled.walked.columns[ROOT]] == [str(n) for n in range(1, size + 1)]
            assert not polled.walked.truncated


ENDLESS: list[tuple[str, Behaviour]] = [
    ("the same object for ever", lambda q, n: [reply(q, bindings=[(f"{ROOT}.1", TEXT)])]),
    ("going back", lambda q, n: [reply(q, bindings=[(f"{ROOT}.{1_000 - n}", TEXT)])]),
    ("a circle", lambda q, n: [reply(q, bindings=[(f"{ROOT}.{n % 3 + 1}", TEXT)])]),
    ("rising for ever", lambda q, n: [reply(q, bindings=[(f"{ROOT}.{n + 1}", TEXT)])]),
    ("nothing, again and again", lambda q, n: [reply(q, bindings=[])]),
    ("too big, again and again", lambda q, n: [reply(q, status=1)]),
]


@pytest.mark.parametrize(("what", "behaviour"), ENDLESS, ids=[case[0] for case in ENDLESS])
async def test_when_an_agent_leads_a_walk_in_circles_then_it_ends_and_is_marked_cut(
    wire: Wire, what: str, behaviour: Behaviour
) -> None:
    async with agent(behaviour) as liar:
        walked = await wire.walk(peer(liar.port), [ROOT])
        assert len(liar.questions) <= 200
    assert walked.truncated


async def test_when_a_device_is_slow_then_a_walk_ends_in_time_with_what_came(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.probing.walking.WALK_SECONDS_MAX", 0.3)
    rows = table(500)
    async with agent(lambda q, n: rows(q, n) if n < 1 else []) as tired:
        started = time.monotonic()
        walked = await wire.walk(peer(tired.port, timeout=0.25, tries=1), [ROOT])
        assert time.monotonic() - started < 3
    assert walked.truncated
    assert len(walked.columns[ROOT]) == 60


async def test_when_a_device_dies_in_the_middle_of_a_walk_then_what_came_is_kept_and_marked(wire: Wire) -> None:
    rows = table(500)
    async with agent(lambda q, n: rows(q, n) if n < 2 else []) as dying:
        walked = await wire.walk(peer(dying.port), [ROOT])
    assert len(walked.columns[ROOT]) == 120
    assert walked.truncated


async def test_when_replies_are_damaged_at_random_then_each_question_ends_in_one_of_our_ways(wire: Wire) -> None:
    dice = random.Random(20_261_124)

    def damaged(question: Question, before: int) -> Iterable[bytes]:
        data = bytearray(reply(question))
        for _ in range(dice.randint(0, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        return [bytes(data[: dice.randint(0, len(data))] if dice.random() < 0.3 else data)]

    async def one(port: int) -> str:
        try:
            return "answered" if NAME in await wire.get(peer(port, timeout=0.2), [NAME]) else "left out"
        except DeviceError as error:
            return type(error).__name__

    started = time.monotonic()
    ends: set[str] = set()
    # One agent each: a bad reply is held against every question that its device has open.
    for _ in range(5):
        async with agent(damaged) as liar:
            ends |= set(await asyncio.gather(*(one(liar.port) for _ in range(100))))
    assert {"answered", "Malformed"} <= ends <= {"answered", "left out", "Malformed", "Silent", "WrongCredential"}
    assert time.monotonic() - started < 30  # of five hundred that wait 0.2 s each


def forged(question: Question, count: int, *, knows: bool) -> list[bytes]:
    """From the device's own address: with the number of the question by one who sees the line, else with others."""
    if knows:
        return [reply(question, community=b"private")] * count
    return [reply(question, request_id=0x1000_0000 + n) for n in range(count)]


@pytest.mark.parametrize(("knows", "looked_at"), [(False, 50), (True, 200)])
async def test_when_forged_answers_come_in_crowds_then_the_right_one_behind_them_counts(
    wire: Wire, knows: bool, looked_at: int
) -> None:
    async with agent(lambda q, n: [*forged(q, 200, knows=knows), reply(q)]) as flooded:
        for _ in range(4):
            assert await wire.get(peer(flooded.port, timeout=5.0), [NAME]) == {NAME: b"it-is-me"}
    assert wire.refused["flood"] == 4 * (200 - looked_at)
    assert wire.refused.total() == 4 * 200


async def test_when_forged_answers_with_the_right_number_never_end_then_looking_at_them_does(wire: Wire) -> None:
    async with agent(lambda q, n: forged(q, 160, knows=True)) as liar:
        with pytest.raises(Malformed, match="another community"):
            await wire.get(peer(liar.port, tries=4), [NAME])
        assert len(liar.questions) == 2
        assert wire.refused["another community"] == 300


async def test_when_lies_have_ended_some_questions_then_one_more_does_not_end_the_next(wire: Wire) -> None:
    def answers(question: Question, number: int) -> list[bytes]:
        if number < 2:
            return forged(question, 320, knows=True) if number else []
        return [*forged(question, 1, knows=True), reply(question)]

    async def chain() -> list[object]:
        with pytest.raises(Malformed):
            await wire.get(peer(port), [NAME])
        return [await wire.get(peer(port), [NAME]) for _ in range(3)]  # never without another that waits

    async with agent(answers) as device:
        port = device.port
        assert await asyncio.gather(chain(), chain()) == [[{NAME: b"it-is-me"}] * 3] * 2


async def test_when_strangers_flood_the_socket_then_an_honest_device_is_still_read(wire: Wire) -> None:
    async with agent(lambda q, n: [reply(q)]) as honest:
        await wire.get(peer(honest.port), [NAME])
        (sock,) = wire.sockets()
        port = sock.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
            for number in range(2_000):
                flood.sendto(b"\x30\x82" * (number % 500), ("127.0.0.1", port))
        assert await wire.get(peer(honest.port, timeout=1.0, tries=3), [NAME]) == {NAME: b"it-is-me"}
    assert wire.refused["stranger"] > 500


async def test_when_the_device_has_an_ipv6_address_then_it_is_asked_there(wire: Wire) -> None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        missing("this system has no IPv6 loopback")
    async with agent(lambda q, n: [reply(q)], address="::1") as honest:
        assert await wire.get(peer(honest.port, address="0:0:0:0:0:0:0:1"), [NAME]) == {NAME: b"it-is-me"}
