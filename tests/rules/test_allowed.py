"""Where a collector asks: private networks and the world, never its own machine, a cloud's secrets or what was closed."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.collector.settings import CollectorSettings
from assets.probing.allowed import (
    CLOSED,
    LINK,
    METADATA,
    NO_HOST,
    OWN,
    REASONS,
    Allowed,
    read_closed,
    read_networks,
)
from assets.settings import Settings
from assets.web import words

DATABASE = (ip_address("10.1.2.3"), 5432)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("10.0.0.1", ""), ("172.16.5.5", ""), ("192.168.1.20", ""), ("100.64.0.9", ""), ("203.0.113.7", ""),
        ("fd00::12", ""), ("2001:db8::1", ""),
        ("127.0.0.1", OWN), ("127.9.9.9", OWN), ("::1", OWN), ("::ffff:127.0.0.1", OWN), ("64:ff9b::7f00:1", OWN),
        ("2002:7f00:1::", OWN),
        ("169.254.1.1", LINK), ("fe80::1%eth0", LINK),
        ("169.254.169.254", METADATA), ("::ffff:169.254.169.254", METADATA), ("fd00:ec2::254", METADATA),
        ("100.100.100.200", METADATA), ("64:ff9b::a9fe:a9fe", METADATA),
        ("0.0.0.0", NO_HOST), ("0.1.2.3", NO_HOST), ("::", NO_HOST), ("224.0.0.1", NO_HOST), ("ff02::1", NO_HOST),
        ("255.255.255.255", NO_HOST), ("240.0.0.1", NO_HOST),
    ],
)  # fmt: skip
def test_what_is_asked_and_what_is_not(address: str, reason: str) -> None:
    assert Allowed().why_not(address, page=True) == reason
    assert Allowed().why_not(address) == ("" if reason == OWN else reason), "but for pages it is a machine like others"


def test_settings_open_what_is_ones_own_and_close_the_rest_but_never_open_metadata() -> None:
    rule = Allowed(
        read_networks("127.0.0.0/8, fe80::/10,169.254.0.0/16"), frozenset({DATABASE, (ip_address("10.9.9.9"), 0)})
    )
    assert (
        rule.why_not("127.51.2.9", 80, page=True) == rule.why_not("fe80::5%eth0") == rule.why_not("169.254.7.7") == ""
    )
    assert rule.why_not("::1", page=True) == OWN
    assert rule.why_not("169.254.169.254") == METADATA
    assert rule.why_not("10.1.2.3", 5432) == rule.why_not("::ffff:10.1.2.3", 5432) == CLOSED
    assert rule.why_not("10.1.2.3", 161) == "", "the machine of the database is a device like others"
    assert rule.why_not("10.9.9.9", 1) == rule.why_not("10.9.9.9", 443) == CLOSED


@given(st.ip_addresses(), st.integers(1, 65_535))
def test_an_address_has_one_answer_however_it_is_written(address: object, port: int) -> None:
    told = Allowed(closed=frozenset({DATABASE})).why_not(str(address), port)
    assert told in ("", *REASONS)
    if ":" not in str(address):
        assert Allowed(closed=frozenset({DATABASE})).why_not(f"::ffff:{address}", port) == told


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()), ("10.1.2.3", (("10.1.2.3", 0),)), ("db.example:5432, 10.0.0.1", (("db.example", 5432), ("10.0.0.1", 0))),
        ("[fd00::1]:5432", (("fd00::1", 5432),)), ("fd00::1", (("fd00::1", 0),)), ("[fd00::1]", (("fd00::1", 0),)),
    ],
)  # fmt: skip
def test_closed_addresses_are_read(text: str, found: tuple[tuple[str, int], ...]) -> None:
    assert read_closed(text) == found


@pytest.mark.parametrize("text", ["db:port", "db:70000", ":5432", "[fd00::1]:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        read_closed(text)


def test_the_services_own_database_is_closed_to_its_collector() -> None:
    def closed(url: str | None, more: str = "") -> str:
        return Settings(database_url=url, probe_closed=more).closed_addresses

    assert closed("postgresql://u:p@db.example:6000/assets", "10.9.9.9") == "10.9.9.9,db.example:6000"
    assert closed("postgresql://u:p@[fd00::1]/assets") == "[fd00::1]:5432"
    assert closed("postgresql://u:p@[fd00::1]:6000/assets") == "[fd00::1]:6000"
    assert closed("postgresql://u:p@h1:5432,h2/assets") == "h1:5432,h2:5432"
    assert closed("postgresql:///assets?host=/run/postgresql") == closed(None) == ""
    assert closed("postgresql://%2Frun%2Fpostgresql/assets") == ""


def test_a_collector_reads_its_rule(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path_factory.mktemp("token") / "token"
    token.touch(mode=0o600)
    token.write_text("col_1.word")
    monkeypatch.setenv("ASSETS_PROBE_CLOSED", "10.1.2.3:5432")
    made = CollectorSettings(
        collector_url="http://127.0.0.1:1", collector_token_file=token, probe_networks="127.0.0.0/8"
    )
    assert made.allowed == Allowed((ip_network("127.0.0.0/8"),), frozenset({DATABASE}))


def test_every_reason_has_a_word() -> None:
    assert set(REASONS) == set(words.NOT_ASKED)
