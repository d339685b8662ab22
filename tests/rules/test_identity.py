"""Whether two descriptions are of one machine: tables of what counts and what is junk, and what holds of any two."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.observed import identity
from assets.inventory.observed.identity import PERHAPS, SAME_MACHINE, Facts, alike

A, B = "7QKRNZ3", "5CD1234XYZ"
U, V = "4C4C454400514B108052B4C04F4E5A33", "03AA02FC0414057C6106790700080009"
M, N = "A4BB6D102030", "D08E79112233"


def some(**facts: str) -> Facts:
    named = {"serial": "serials", "uuid": "uuids", "mac": "macs", "monitor": "monitors"}
    return Facts(**{named.get(k, k): frozenset({v}) if k in named else v for k, v in facts.items()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [
        (some(serial=A, maker="DELL"), some(serial=A, maker="DELLINC"), "same"),
        (some(serial=A), some(serial=A), "perhaps"),  # a serial is unique with its maker only
        (some(serial=A, maker="DELL"), some(serial=A, maker="HP"), "perhaps"),
        (some(uuid=U, hostname="PC1"), some(uuid=U, hostname="PC1"), "same"),
        (some(uuid=U), some(uuid=U), "perhaps"),
        (some(uuid=U, serial=A), some(uuid=U, serial=B), "no"),  # one image for many machines
        (some(mac=M), some(mac=M), "perhaps"),
        (some(mac=M, serial=A), some(mac=M, serial=B), "no"),  # an adapter went from desk to desk
        (some(mac=M, serial=A, maker="DELL"), some(mac=M, serial=A, maker="DELL"), "same"),
        (
            some(hostname="PC1", site="s", maker="HP", model="G6"),
            some(hostname="PC1", site="s", maker="HP", model="G6"),
            "no",
        ),
        (some(monitor="CN0ABC"), some(monitor="CN0ABC"), "no"),
        (some(), some(), "no"),
    ],
)
def test_what_speaks_for_one_machine(one: Facts, two: Facts, verdict: str) -> None:
    found = alike(one, two)
    assert ("same" if found.same else "perhaps" if found.perhaps else "no") == verdict, found


@pytest.mark.parametrize(
    "text",
    [
        "To be filled by O.E.M.", "Default string", "System Serial Number", "0", "00000000", "1111111", "None", "N/A", "",
        "Not Specified", "INVALID", "123456789", "xxxxxxxx", "...", "To Be Filled By O.E.M", "OEM", "\0", "Chassis Serial Number",
    ],
)  # fmt: skip
def test_placeholders_of_makers_tell_nothing(text: str) -> None:
    assert identity.serial(text) == ""


@pytest.mark.parametrize(
    ("text", "interface", "kept"),
    [
        ("a4:bb:6d:10:20:30", "", "A4BB6D102030"),
        ("A4-BB-6D-10-20-30", "Intel(R) Ethernet", "A4BB6D102030"),
        ("00:00:00:00:00:00", "", ""),
        ("ff:ff:ff:ff:ff:ff", "", ""),
        ("00:50:56:c0:00:08", "", ""),  # VMware
        ("00:15:5d:01:02:03", "", ""),  # Hyper-V
        ("52:54:00:12:34:56", "", ""),  # made up by software: the second bit says so
        ("01:00:5e:00:00:01", "", ""),  # a group
        ("a4:bb:6d:10:20:30", "USB LAN dock", ""),
        ("a4:bb:6d:10:20", "", ""),
        ("not an address", "", ""),
    ],
)
def test_addresses_that_belong_to_no_single_machine_tell_nothing(text: str, interface: str, kept: str) -> None:
    assert identity.mac(text, interface) == kept


@pytest.mark.parametrize(
    ("one", "two"),
    [("HP Inc.", "Hewlett-Packard"), ("Dell Inc.", "DELL"), ("ASUSTeK COMPUTER INC.", "Asus"), ("Canon Inc", "Canon")],
)
def test_makers_are_one_however_they_are_written(one: str, two: str) -> None:
    assert identity.begins(identity.maker(one), identity.maker(two))


texts = st.sampled_from(["", A, B, U])
sets = st.frozensets(st.sampled_from([A, B, "ZZ9921"]), max_size=2)
facts = st.builds(
    Facts, serials=sets, uuids=st.frozensets(st.sampled_from([U, V]), max_size=1),
    macs=st.frozensets(st.sampled_from([M, N]), max_size=2), monitors=sets, hostname=texts,
    maker=st.sampled_from(["", "DELL", "HP"]), model=st.sampled_from(["", "G6", "G5"]), site=st.sampled_from(["", "s", "t"]),
)  # fmt: skip


@given(facts, facts)
def test_it_does_not_matter_which_of_two_comes_first(one: Facts, two: Facts) -> None:
    assert alike(one, two) == alike(two, one)


@given(facts, facts)
def test_without_anything_strong_in_common_people_are_not_even_asked(one: Facts, two: Facts) -> None:
    if not (one.serials & two.serials or one.uuids & two.uuids or one.macs & two.macs):
        assert not alike(one, two).perhaps


@given(facts, facts)
def test_one_thing_more_in_common_never_speaks_against(one: Facts, two: Facts) -> None:
    before = alike(one, two).points
    shared = "FFAA0192"
    after = alike(replace(one, monitors=one.monitors | {shared}), replace(two, monitors=two.monitors | {shared})).points
    assert after >= before


@given(facts, facts)
def test_points_are_told_by_their_reasons(one: Facts, two: Facts) -> None:
    found = alike(one, two)
    assert found.points >= 0
    assert {name for name, _ in found.reasons} <= set(identity.POINTS)
    assert not (found.same and not found.perhaps)
    assert PERHAPS < SAME_MACHINE


@given(st.text())
def test_any_text_becomes_plain_and_stays_so(text: str) -> None:
    for read in (identity.plain, identity.serial, identity.maker, identity.mac, identity.uuid):
        assert read(text).isascii()
    assert identity.plain(identity.plain(text)) == identity.plain(text)
