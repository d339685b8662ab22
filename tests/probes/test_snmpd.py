"""Both doors against Debian's snmpd: v2c, SNMPv3 authPriv, wrong credentials, and one door against the other."""

from collections.abc import AsyncIterator, Iterator

import pytest

from assets.ids import new_id
from assets.probing.contract import Community, Credential, TargetSpec, User
from assets.probing.door import NotAsked, Peer
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Method, Outcome
from assets.probing.snmp import ENGINES_MAX, Snmp
from assets.probing.wire import Wire
from tests.probes.agents import AUTH_KEY, COMMUNITY, PRIVACY_KEY, USER, snmpd

PUBLIC = Community(id=new_id(), community=COMMUNITY)


def user(**changes: "str | None") -> User:
    """The user that snmpd knows, or one with something wrong."""
    right = {
        "user": USER,
        "auth": "sha256",
        "auth_key": AUTH_KEY,
        "privacy": "aes128",
        "privacy_key": PRIVACY_KEY,
    }
    return User.model_validate({"id": new_id()} | right | changes)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with snmpd(tmp_path_factory.mktemp("snmpd")) as port:
        yield port


@pytest.fixture(scope="module")
async def prober() -> AsyncIterator[Prober]:
    made = Prober(Profiles.load())
    yield made
    await made.close()


def target(port: int) -> TargetSpec:
    return TargetSpec(
        id=new_id(), name="snmpd", address="127.0.0.1", port=port, method=Method.SNMP, timeout_seconds=2, tries=1
    )


@pytest.mark.parametrize("credential", [PUBLIC, user()], ids=["v2c", "v3 authPriv"])
async def test_when_snmpd_is_asked_then_it_is_a_host_with_its_readings(
    port: int, prober: Prober, credential: Credential
) -> None:
    result = await prober.probe(target(port), credential)
    assert result.outcome is Outcome.ANSWERED
    assert result.identity is not None
    who = result.identity
    assert (who.profile, who.category, who.sys_name, who.sys_location) == ("host", "host", "snmpd-under-test", "Room 2")
    assert "memory.used_percent" in {r.name for r in result.readings}
    assert not result.truncated


async def test_when_two_looks_are_taken_then_counters_are_remembered(port: int, prober: Prober) -> None:
    spec = target(port)
    first, second = await prober.probe(spec, PUBLIC), await prober.probe(spec, PUBLIC)
    assert first.counters.keys() == second.counters.keys()
    assert second.latency_ms is not None


@pytest.mark.parametrize(
    ("credential", "outcome", "says"),
    [
        (Community(id=new_id(), community="wrong"), Outcome.SILENT, "no answer"),
        (user(user="stranger"), Outcome.WRONG_CREDENTIAL, "does not know this user"),
        (user(auth_key="not-the-right-key"), Outcome.WRONG_CREDENTIAL, "authentication key is wrong"),
        (user(auth="sha1"), Outcome.WRONG_CREDENTIAL, "authentication key is wrong"),
        (user(privacy_key="not-the-right-key"), Outcome.WRONG_CREDENTIAL, "privacy key"),
        (user(privacy=None, privacy_key=None), Outcome.WRONG_CREDENTIAL, "refuses this user"),
        (user(auth_key="short"), Outcome.NOT_ASKED, "at least 8"),
    ],
    ids=["community", "user", "auth key", "auth protocol", "privacy key", "level", "short key"],
)
async def test_when_the_credential_is_wrong_then_that_is_said_and_not_that_the_device_is_down(
    port: int, prober: Prober, credential: Credential, outcome: Outcome, says: str
) -> None:
    result = await prober.probe(target(port), credential)
    assert (result.outcome, says in result.detail) == (outcome, True), result.detail


async def test_when_one_user_has_other_keys_elsewhere_then_neither_spoils_the_other(port: int, prober: Prober) -> None:
    right, wrong = user(), user(auth_key="not-the-right-key")
    for credential, outcome in ((right, Outcome.ANSWERED), (wrong, Outcome.WRONG_CREDENTIAL)) * 2:
        assert (await prober.probe(target(port), credential)).outcome is outcome


async def test_when_nobody_listens_then_v3_is_silent_and_not_a_wrong_credential(prober: Prober) -> None:
    spec = target(9).model_copy(update={"timeout_seconds": 0.3})
    assert (await prober.probe(spec, user())).outcome is Outcome.SILENT
    assert not await prober.alive(spec, user())


async def test_when_both_doors_read_the_same_agent_then_they_agree_on_every_value(port: int) -> None:
    fast, reference = Wire(), Snmp()
    roots = (
        "1.3.6.1.2.1.1.9.1",
        "1.3.6.1.2.1.2.2.1.2",
        "1.3.6.1.2.1.2.2.1.6",
        *(f"1.3.6.1.2.1.25.2.3.1.{column}" for column in (1, 2, 3, 4)),  # sizes and what is used change while we look
        "1.3.6.1.2.1.31.1.1.1.15",
    )
    single = tuple(f"1.3.6.1.2.1.1.{n}.0" for n in (1, 2, 4, 5, 6, 7, 99))
    peer = Peer("127.0.0.1", port, PUBLIC)
    try:
        mine, theirs = await fast.walk(peer, roots), await reference.walk(peer, roots)
        assert mine.rows == theirs.rows
        assert len(mine.rows) > 20
        assert await fast.get(peer, single) == await reference.get(peer, single)
        assert not fast.refused
    finally:
        await fast.close()
        await reference.close()


async def test_when_one_user_has_too_many_different_keys_then_the_next_is_not_asked() -> None:
    door = Snmp()
    try:
        for number in range(ENGINES_MAX):
            door.engine_for(user(auth_key=f"one-of-many-{number}"))
        with pytest.raises(NotAsked, match="too many different keys"):
            door.engine_for(user(auth_key="one-too-many"))
    finally:
        await door.close()
