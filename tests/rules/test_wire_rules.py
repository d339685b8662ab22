"""BER and walking without a network: what is well made is read, everything else is refused, nothing goes on for ever."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.probing import ber, oid
from assets.probing.ber import BadBer, integer, tlv
from assets.probing.discovery import answers, question
from assets.probing.door import PDUS_MAX, ROWS_MAX
from assets.probing.look import Kept, Look, at_once, readings
from assets.probing.profile import Profile
from assets.probing.profile_file import Fact, Reads, Table, Told
from assets.probing.readings import Reading
from assets.probing.walking import Answer, Walk

OIDS = st.tuples(
    st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, oid.ARC_MAX), max_size=oid.ARCS_MAX - 2)
).map(lambda parts: ".".join(map(str, (parts[0], parts[1], *parts[2]))))


def binding(name: str, value: bytes) -> bytes:
    """One variable binding with an encoded value."""
    return tlv(0x30, tlv(0x06, oid.encode(name)) + value)


def response(*bindings: bytes, community: bytes = b"public", request_id: int = 0x01020304) -> bytes:
    """A v2c response without an error."""
    pdu = tlv(ber.RESPONSE, integer(request_id) + integer(0) + integer(0) + tlv(0x30, b"".join(bindings)))
    return tlv(0x30, integer(ber.V2C) + tlv(0x04, community) + pdu)


def read(data: bytes) -> ber.Bindings:
    """Header and bindings, as the wire reads them."""
    return ber.bindings(data, ber.header(data).body)


GOOD = response(
    binding("1.3.6.1.2.1.1.3.0", tlv(0x43, b"\x01\x00")),
    binding("1.3.6.1.2.1.1.5.0", tlv(0x04, "Máy in".encode())),
    binding("1.3.6.1.2.1.1.2.0", tlv(0x06, oid.encode("1.3.6.1.4.1.9"))),
)


@given(OIDS)
def test_when_an_oid_goes_over_the_wire_then_it_comes_back_the_same(dotted: str) -> None:
    assert oid.valid(dotted)
    assert oid.decode(oid.encode(dotted)) == dotted


@pytest.mark.parametrize(
    "text", ["", "1", "1.3.x", "1.40.1", "3.1", "1.3.4294967296", "1..3", "1.3.-1", "1.3.६", "1." * 200]
)
def test_when_text_is_no_oid_then_it_is_not_valid(text: str) -> None:
    assert not oid.valid(text)
    with pytest.raises(ValueError, match="not an OID"):
        oid.encode(text)


@pytest.mark.parametrize(
    ("value", "expected", "why"),
    [
        (integer(-3), -3, "a printer level"),
        (b"\x02\x00", None, "an INTEGER without content is no value, not 0"),
        (b"\x02\x05\x00\xff\xff\xff\xff", 0xFFFFFFFF, "padded, still 32 bits"),
        (b"\x41\x04\xff\xff\xff\xff", 0xFFFFFFFF, "a Counter32 without its leading zero"),
        (b"\x41\x05\x00\xff\xff\xff\xff", 0xFFFFFFFF, "a Counter32 with it"),
        (b"\x46\x09\x00" + b"\xff" * 8, (1 << 64) - 1, "the largest Counter64"),
        (b"\x04\x00", b"", "an empty text is a text"),
        (b"\x04\x81\x01a", b"a", "a long form of the length is allowed in BER"),
        (b"\x40\x04\x7f\x00\x00\x01", b"\x7f\x00\x00\x01", "an address"),
        (b"\x80\x00", None, "noSuchObject"),
        (b"\x81\x00", None, "noSuchInstance"),
        (b"\x05\x00", None, "NULL"),
        (b"\x06\x00", "0.0", "an OID without content, as some agents send 0.0"),
    ],
)
def test_when_a_value_is_well_made_then_it_is_read(value: bytes, expected: ber.Value | None, why: str) -> None:
    assert read(response(binding("1.3.6.1", value)))[0][1] == expected, why


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "nothing"),
        (b"\x30", "half a header"),
        (GOOD + b"\x00", "octets behind"),
        (GOOD[:-1], "cut off"),
        (b"\x30\x80" + GOOD[2:] + b"\x00\x00", "indefinite length"),
        (b"\x30\x84\xff\xff\xff\xff" + GOOD[2:], "four gigabytes announced"),
        (b"\x30\x85\x00\x00\x00\x00\x05" + GOOD[2:], "a length of five octets"),
        (response(binding("1.3.6.1", b"\x02\x09" + b"\x01" * 9)), "an INTEGER of nine octets"),
        (response(binding("1.3.6.1", b"\x02\x05\x01\x00\x00\x00\x00")), "an INTEGER above 32 bits"),
        (response(binding("1.3.6.1", b"\x41\x05\x01\x00\x00\x00\x00")), "a Counter32 above 32 bits"),
        (response(binding("1.3.6.1", b"\x40\x03\x7f\x00\x00")), "an address of three octets"),
        (response(binding("1.3.6.1", b"\x05\x01\x00")), "a NULL with content"),
        (response(binding("1.3.6.1", b"\x24\x03\x04\x01a")), "a constructed text"),
        (response(binding("1.3.6.1", b"\x06\x02\x80\x01")), "an OID value with a padded arc"),
        (response(binding("1.3.6.1", b"\x06\x01\x81")), "an OID value that is cut off"),
        (response(binding("1.3.6.1", b"\x02\x01\x01\x00")), "octets behind a value"),
        (response(tlv(0x30, tlv(0x06, b"") + integer(1))), "a name without arcs"),
        (response(tlv(0x30, tlv(0x06, b"+\x06"))), "a name without a value"),
        (response(*[binding("1.3.6.1", b"\x05\x00")] * (ber.VARBINDS_MAX + 1)), "more bindings than fit a reply"),
    ],
)
def test_when_bytes_are_not_well_made_then_they_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(BadBer):
        read(data)
    assert why


@given(st.binary(max_size=300))
def test_when_bytes_are_random_then_reading_ends_in_bindings_or_refusal(data: bytes) -> None:
    try:
        read(data)
    except BadBer:
        return


@settings(max_examples=400)
@given(data=st.data())
def test_when_a_good_reply_is_damaged_then_reading_ends_in_bindings_or_refusal(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        for name, _, _ in read(bytes(damaged[:cut] if data.draw(st.booleans()) else damaged)):
            oid.arcs(name)
    except ValueError:
        return


def test_when_a_reply_is_as_large_as_a_datagram_can_be_then_refusing_it_takes_no_time() -> None:
    huge = response(*[binding("1.3.6.1.2.1.1.1.0", tlv(0x04, b"x" * 40)) for _ in range(1_200)])
    started = time.process_time()
    with pytest.raises(BadBer):
        read(huge)
    read(response(binding("1.3.6.1", tlv(0x04, b"x" * 60_000))))
    with pytest.raises(ValueError, match="128 arcs"):
        oid.decode(b"\x01" * 60_000)
    assert time.process_time() - started < 0.5


def test_when_a_request_is_made_then_a_strict_reader_reads_it_back() -> None:
    head, tail = ber.request(community=b"c" * 200, pdu=ber.GETBULK, second=0, third=20, bindings=ber.name(b"+\x06\x01"))
    header = ber.header(message := head + b"\x7a\x00\x00\x01" + tail)
    assert (header.pdu, header.request_id, header.error_index, header.community) == (0xA5, 0x7A000001, 20, b"c" * 200)
    assert ber.bindings(message, header.body) == [(b"+\x06\x01", None, False)]


@given(st.binary(max_size=200))
def test_when_anything_answers_a_discovery_then_only_its_own_number_counts(data: bytes) -> None:
    assert not answers(data, 77)
    assert answers(question(77), 77)
    assert not answers(question(78), 77)


# --- walking -------------------------------------------------------------------------------------------------------

ROOT = "1.3.6.1.2.1.2.2.1.10"


def row(arcs: str, value: int | None = 1, *, root: str = ROOT) -> tuple[bytes, ber.Value | None, bool]:
    return oid.encode(f"{root}.{arcs}"), value, False


END = (oid.encode(ROOT), None, True)


def test_when_a_column_ends_then_only_what_is_inside_is_kept() -> None:
    walk = Walk([ROOT], now=0.0)
    assert walk.next(0.0) is not None
    walk.take(Answer(0, bindings=[row("1", 5), row("2", 6), row("1", 7, root="1.3.6.1.2.1.2.2.1.11")]))
    assert walk.next(0.1) is None
    assert walk.walked().columns == {ROOT: {"1": 5, "2": 6}}
    assert not walk.walked().truncated


def test_when_two_columns_end_apart_then_the_longer_one_goes_on_alone() -> None:
    other = "1.3.6.1.2.1.2.2.1.16"
    walk = Walk([ROOT, other], now=0.0)
    first = walk.next(0.0)
    assert first is not None
    assert first.names == (ROOT, other)
    walk.take(Answer(0, bindings=[row("1"), row("1", root=other), (oid.encode(other), 9, False), row("2", root=other)]))
    second = walk.next(0.0)
    assert second is not None
    assert second.names == (f"{other}.2",)
    walk.take(Answer(0, bindings=[END]))
    assert walk.next(0.0) is None
    assert {root: list(rows) for root, rows in walk.walked().columns.items()} == {ROOT: ["1"], other: ["1", "2"]}


@pytest.mark.parametrize(
    ("status", "bindings", "reason"),
    [
        (0, [row("5"), row("5")], "names do not rise"),
        (0, [row("5"), row("4")], "names do not rise"),
        (0, [row("1.300"), row("1.20")], "names do not rise"),
        (0, [row(str(n)) for n in range(1, 80)], "more than asked for"),
        (0, [(oid.encode(ROOT) + b"\x80\x01", 1, False)], "not well-made"),
        (5, [], "error 5"),
    ],
)
def test_when_a_reply_breaks_the_rules_then_the_walk_is_cut_and_says_so(
    status: int, bindings: ber.Bindings, reason: str
) -> None:
    walk = Walk([ROOT], now=0.0)
    walk.next(0.0)
    walk.take(Answer(status, bindings=bindings))
    assert walk.next(0.0) is None
    assert walk.reasons == [reason]
    assert walk.walked().truncated


def test_when_rows_have_large_indexes_then_they_rise_by_number_and_not_by_octets() -> None:
    walk = Walk([ROOT], now=0.0)
    walk.next(0.0)
    walk.take(Answer(0, bindings=[row("127"), row("128"), row("16383"), row("16384"), row("4294967295")]))
    assert len(walk.walked().columns[ROOT]) == 5
    assert not walk.walked().truncated


def test_when_an_agent_finds_questions_too_big_then_they_shrink_until_one_name_is_left() -> None:
    walk = Walk([ROOT, "1.3.6.1.2.1.2.2.1.16"], now=0.0)
    sizes = []
    while step := walk.next(0.0):
        sizes.append(len(step.names) * step.repetitions)
        walk.take(Answer(1, bindings=[]))
    assert sizes[0] == 60
    assert sizes[-1] == 1
    assert sizes == sorted(sizes, reverse=True)
    assert walk.walked().truncated


def test_when_only_the_first_rows_are_wanted_then_the_rest_is_not_called_cut() -> None:
    walk = Walk([ROOT], now=0.0, limit=2)
    step = walk.next(0.0)
    assert step is not None
    assert step.repetitions == 2
    walk.take(Answer(0, bindings=[row("1"), row("2")]))
    assert walk.next(0.0) is None
    assert not walk.walked().truncated


def test_when_an_agent_never_ends_then_rows_replies_and_seconds_have_a_maximum() -> None:
    walk, number = Walk([ROOT], now=0.0), 0
    while step := walk.next(0.0):
        walk.take(Answer(0, bindings=[row(str(number + i)) for i in range(1, step.repetitions + 1)]))
        number += step.repetitions
    assert walk.rows == ROWS_MAX
    slow, replies = Walk([ROOT], now=0.0), 0
    while slow.next(0.0):
        replies += 1
        slow.take(Answer(0, bindings=[row(str(replies))]))
    assert replies == PDUS_MAX
    late = Walk([ROOT], now=0.0)
    assert late.next(9.9) is not None
    late.take(Answer(0, bindings=[row("1")]))
    assert late.next(10.0) is None
    assert walk.walked().truncated
    assert slow.walked().truncated
    assert late.walked().truncated


@given(
    replies=st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 0, 1, 2, 5, 13]),
            st.lists(
                st.tuples(st.lists(st.integers(0, 400), max_size=3), st.none() | st.integers(), st.booleans()),
                max_size=5,
            ),
        ),
        max_size=40,
    )
)
def test_when_an_agent_answers_anything_then_a_walk_ends_and_keeps_only_rising_rows(
    replies: list[tuple[int, list[tuple[list[int], int | None, bool]]]],
) -> None:
    walk = Walk([ROOT], now=0.0)
    for status, rows in replies:
        if walk.next(0.0) is None:
            break
        bindings = [(oid.encode(".".join([ROOT, *map(str, arcs)])), value, end) for arcs, value, end in rows]
        walk.take(Answer(status, bindings=bindings))
    kept = [tuple(map(int, index.split("."))) for index in walk.walked().columns[ROOT]]
    assert kept == sorted(set(kept))


READS = st.builds(
    lambda **told: Reads.model_validate({"name": "x.y", "oid": ROOT} | told),
    unit=st.sampled_from(["", "percent", "celsius", "count"]),
    scale=st.sampled_from([1.0, 0.1, 10.0]),
    decimals=st.sampled_from([None, 0, 1]),
    states=st.sampled_from([{}, {1: "up", 2: "down"}]),
    special=st.sampled_from([{}, {-1: "unknown", 7: "low"}]),
)

INDEXES, RAW = st.integers(1, 6).map(str), st.integers(-3, 400) | st.binary(max_size=3)


@given(
    reads=READS,
    columns=st.lists(st.dictionaries(INDEXES, RAW), max_size=4)
    | st.sets(INDEXES).flatmap(
        lambda own: st.lists(st.fixed_dictionaries(dict.fromkeys(sorted(own), RAW)), max_size=8)
    ),
)
def test_when_columns_are_read_in_one_loop_or_kept_then_it_is_as_if_each_row_was_read_alone(
    reads: Reads, columns: list[dict[str, int | bytes]]
) -> None:
    facts = {"t": {"1": {"name": "first"}, "2": {"name": ""}}}
    fast = Table(name="t", label=("name",), facts={"name": Fact(oid=ROOT)}, readings=(reads, reads))
    # A fact to skip rows by, which no row has, sends each row the long way.
    slow = fast.model_copy(update={"skip": {"name": ("never",)}})
    kept = Kept(limit=5)
    for number, column in enumerate(columns):
        made = []
        for table, memory in ((fast, kept), (slow, None), (fast, None)):
            profile = Profile("x", "x", "", (), (), Told(), (table,), ())
            look = Look(0.0, None, {}, {ROOT: column})
            made.append(at_once(readings(profile, look, None, facts, number % 2, memory)).readings)
        assert made[0] == made[1] == made[2]
        assert [r.model_dump() for r in made[0]] == [Reading(**r.model_dump()).model_dump() for r in made[1]]
