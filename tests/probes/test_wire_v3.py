"""SNMPv3 on the wire: against Debian's snmpd with every algorithm, against pysnmp, and against engines that lie."""

import asyncio
import itertools
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.ids import new_id
from assets.probing import usm
from assets.probing.ber import tlv
from assets.probing.contract import Credential, TargetSpec, User
from assets.probing.door import Malformed, NotAsked, Peer, Silent, WrongCredential
from assets.probing.prober import Prober
from assets.probing.profile import Profiles
from assets.probing.readings import Method, Outcome
from assets.probing.snmp import Snmp
from assets.probing.wire import Wire
from tests.probes import engine as v3
from tests.probes.agents import free_udp_port, snmpd
from tests.probes.engine import NAME, Asked, Engine, answer, engine, honest

TRY_SECONDS = 0.15
SYS_NAME = "1.3.6.1.2.1.1.5.0"
AUTH = {"md5": "MD5", "sha1": "SHA", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
PRIVACY = {None: "", "des": "DES", "aes128": "AES", "aes192": "AES-192", "aes256": "AES-256"}
EVERY = [
    v3.user(user=f"{auth}-{privacy or 'none'}", auth=auth, privacy=privacy, privacy_key=privacy and "correct-privacy-key")
    for auth, privacy in itertools.product(AUTH, PRIVACY)
]  # fmt: skip
NOBODY = v3.user(user="open", auth=None, auth_key=None, privacy=None, privacy_key=None)


def created(user: User) -> str:
    """How snmpd is told of a user."""
    name, level = user.user, "noauth"
    line = f"createUser {name}"
    if user.auth and user.auth_key:
        line, level = f"{line} {AUTH[user.auth]} {user.auth_key.get_secret_value()}", "authnopriv"
    if user.privacy and user.privacy_key:
        line, level = f"{line} {PRIVACY[user.privacy]} {user.privacy_key.get_secret_value()}", "authpriv"
    return f"{line}\nrouser {name} {level.replace('authnopriv', 'auth').replace('authpriv', 'priv')}\n"


USERS = "".join(created(user) for user in (*EVERY, NOBODY))


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    yield made
    await made.close()


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with snmpd(tmp_path_factory.mktemp("every-user"), users=USERS) as port:
        yield port


def peer(port: int, credential: Credential, *, tries: int = 1, timeout: float = TRY_SECONDS) -> Peer:
    return Peer("127.0.0.1", port, credential, timeout, tries)


@pytest.mark.parametrize("user", [*EVERY, NOBODY], ids=lambda user: user.user)
async def test_when_snmpd_knows_the_user_then_every_algorithm_is_spoken(agent: int, wire: Wire, user: User) -> None:
    if not usm.speaks(user):
        target = TargetSpec(id=new_id(), name="x", address="127.0.0.1", port=agent, method=Method.SNMP)
        prober = Prober(Profiles.load(), v2c=wire)
        assert (await prober.probe(target, user)).outcome is Outcome.ANSWERED
        await prober.close()
        return
    asked = peer(agent, user, timeout=2.0)
    assert await wire.get(asked, [SYS_NAME]) == {SYS_NAME: b"snmpd-under-test"}
    first, second = [await wire.walk(asked, ["1.3.6.1.2.1.1.9.1.2"]) for _ in range(2)]
    assert first.rows == second.rows
    assert len(first.rows) > 5
    assert not wire.refused


async def test_when_wire_and_pysnmp_read_the_same_agent_by_v3_then_they_agree(agent: int, wire: Wire) -> None:
    reference, user = Snmp(), next(u for u in EVERY if u.user == "sha512-aes256")
    roots = ("1.3.6.1.2.1.1.9.1", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.25.2.3.1.3")
    try:
        mine, theirs = [await door.walk(peer(agent, user, timeout=2.0), roots) for door in (wire, reference)]
        assert mine.rows == theirs.rows
    finally:
        await reference.close()


@pytest.mark.parametrize("kept", [True, False], ids=["boots go on", "boots start anew"])
async def test_when_snmpd_restarts_then_its_new_time_is_taken_over_and_nothing_is_lost(
    tmp_path: Path, wire: Wire, kept: bool
) -> None:
    user, port = EVERY[7], free_udp_port()
    engine_id = "exactEngineID 0x80001f8880c0ffee0001020304\n"
    for life in range(3):
        folder = tmp_path / ("one" if kept else str(life))
        folder.mkdir(exist_ok=True)
        # A new process on the same port: the sooner lives count up boots, or begin again with 1.
        with snmpd(folder, users=USERS + engine_id, port=port):
            for _ in range(2):
                assert await wire.get(peer(port, user, timeout=2.0), [SYS_NAME]) == {SYS_NAME: b"snmpd-under-test"}
    assert not wire.refused


async def test_when_another_device_answers_at_the_address_then_its_engine_is_met_anew(wire: Wire) -> None:
    async with engine() as device:
        asked = peer(device.port, device.user)
        for change in (b"\x80\x00\x1f\x88\x04other", b"\x80\x00\x1f\x88\x04third"):
            assert await wire.get(asked, [NAME]) == {NAME: b"it-is-me"}
            device.id = change
        assert await wire.get(asked, [NAME]) == {NAME: b"it-is-me"}
        assert device.reports == [v3.ENGINE] * 3


@pytest.mark.parametrize(("boots", "ago"), [(1, 10), (7, 100_000), (8, 0), (6, 2_000_000)])
async def test_when_the_clock_of_an_engine_jumps_then_one_signed_report_sets_ours(
    wire: Wire, boots: int, ago: float
) -> None:
    async with engine() as device:
        asked = peer(device.port, device.user)
        await wire.get(asked, [NAME])
        device.boots, device.started = boots, asyncio.get_running_loop().time() - ago
        assert await wire.get(asked, [NAME]) == {NAME: b"it-is-me"}
        assert await wire.get(asked, [NAME]) == {NAME: b"it-is-me"}
        assert device.reports.count(v3.TIME) <= 1
        assert len(device.asked) == 3


async def test_when_a_question_is_asked_again_and_again_then_each_takes_one_message(wire: Wire) -> None:
    async with engine() as device:
        for _ in range(10):
            await wire.get(peer(device.port, device.user), [NAME])
    assert (len(device.asked), device.reports) == (10, [v3.ENGINE])


Behaviour = Callable[[Engine, Asked, int], Iterable[bytes]]


def wrong(**changes: Any) -> Behaviour:
    """A message that is rightly signed, and wrong."""
    return lambda e, a, n: [e.message(a.head, answer(a.question), **changes)]


def inside(**changes: Any) -> Behaviour:
    """A message that is right around a PDU that is wrong."""
    return lambda e, a, n: [e.message(a.head, answer(a.question, **changes))]


def _late(e: Engine, a: Asked, n: int) -> list[bytes]:
    return [e.message(a.head, answer(a.question), time=max(0, e.now - 200))]


def _flipped(message: bytes) -> bytes:
    return message[:-1] + bytes((message[-1] ^ 1,))


OTHER = [("1.3.6.1.2.1.1.6.0", tlv(4, b"x"))]
FORGED: list[tuple[str, Behaviour, str]] = [
    ("another version", wrong(version=2), "another version|not well-made"),
    ("a v2c message", lambda e, a, n: [tlv(0x30, b"\x02\x01\x01\x04\x06public" + answer(a.question))], "another version"),
    ("another number", lambda e, a, n: [e.message(a.head, answer(a.question), number=a.head.number ^ 1)], "unknown request-id"),
    ("another request-id", lambda e, a, n: [e.message(a.head, answer(a.question, request_id=5))], "unknown request-id"),
    ("another security model", wrong(model=2), "not well-made"),
    ("nothing signed", wrong(level=0), "another engine|a weaker level"),
    ("nothing encrypted", wrong(level=usm.AUTH), "a weaker level"),
    ("encrypted and not signed", wrong(flags=usm.PRIVACY), "an impossible level"),
    ("another engine", wrong(engine=b"\x80\0\x1f\x88\x04else"), "another engine"),
    ("no engine", wrong(engine=b""), "another engine"),
    ("another user", wrong(user=b"somebody"), "another user"),
    ("no user", wrong(user=b""), "another user"),
    ("another digest", wrong(digest=bytes(24)), "another digest"),
    ("a short digest", wrong(digest_size=12), "a digest of another length"),
    ("a long digest", wrong(digest_size=32), "a digest of another length"),
    ("no digest", wrong(digest=b""), "a digest of another length"),
    ("one octet of a digest", wrong(digest=b"x"), "a digest of another length"),
    ("a short salt", wrong(salt=b"1234"), "not well-made"),
    ("sooner starts", wrong(boots=6), "outside the time window"),
    ("the last of all starts", wrong(boots=usm.BOOTS_MAX), "outside the time window"),
    ("negative starts", wrong(boots=-1), "not well-made"),
    ("an old answer", _late, "outside the time window"),
    ("another context", wrong(context=b"vlan-7"), "another context"),
    ("the context of another engine", wrong(context_engine=b"\x80\0\x1f\x88\x04else"), "another context"),
    ("a GET", inside(pdu=0xA0), "another PDU type"),
    ("a trap", inside(pdu=0xA7), "another PDU type"),
    ("another object", inside(bindings=OTHER), "other names than asked for"),
    ("no object", inside(bindings=[]), "other names than asked for"),
    ("an impossible error", inside(status=99), "an impossible error status"),
    ("an unsigned time", lambda e, a, n: [e.report(a.head, v3.TIME, 0, boots=99, time=1)], "a time that nobody signed"),
    ("noise", lambda e, a, n: [b"\xff" * 60], "not well-made"),
    ("a cut answer", lambda e, a, n: [e.message(a.head, answer(a.question))[:-4]], "not well-made"),
    ("an answer with a tail", lambda e, a, n: [e.message(a.head, answer(a.question)) + b"\0"], "not well-made"),
    ("an octet flipped", lambda e, a, n: [_flipped(e.message(a.head, answer(a.question)))], "another digest"),
]  # fmt: skip


async def first_proven(wire: Wire, device: Engine, behaviour: Behaviour) -> Peer:
    """A peer that lies from now on, with engine and time proven, and shape and frame of its answers known."""
    asked = peer(device.port, device.user)
    for _ in range(4):
        assert await wire.get(asked, [NAME]) == {NAME: b"it-is-me"}
    device.behaviour = behaviour
    return asked


@pytest.mark.parametrize(("what", "behaviour", "reason"), FORGED, ids=[case[0] for case in FORGED])
async def test_when_a_v3_answer_is_wrong_in_one_point_then_it_is_refused_and_a_right_one_still_counts(
    wire: Wire, what: str, behaviour: Behaviour, reason: str
) -> None:
    async with engine() as device:
        asked = await first_proven(wire, device, behaviour)
        with pytest.raises(Malformed, match=reason):
            await wire.get(asked, [NAME])
        assert sum(wire.refused.values()) == 1
        device.behaviour = lambda e, a, n: [*behaviour(e, a, n), *honest(e, a, n)]
        assert await wire.get(asked, [NAME]) == {NAME: b"it-is-me"}
        assert sum(wire.refused.values()) == 2


CROWDS: list[tuple[str, Behaviour]] = [
    ("wrong digests", wrong(digest=bytes(24))),
    ("refusals", lambda e, a, n: [e.report(a.head, v3.USER, 0)]),
    ("times", lambda e, a, n: [e.report(a.head, v3.TIME, 0, boots=99, time=1)]),
    ("engines", lambda e, a, n: [e.report(a.head, v3.ENGINE, 0, engine=b"\x80\0\x1f\x88\x04else")]),
]


@pytest.mark.parametrize(("what", "behaviour"), CROWDS, ids=[case[0] for case in CROWDS])
async def test_when_reports_and_forgeries_come_in_crowds_then_the_right_answer_behind_them_counts(
    wire: Wire, what: str, behaviour: Behaviour
) -> None:
    async with engine() as device:
        await first_proven(wire, device, lambda e, a, n: [*list(behaviour(e, a, n)) * 200, *honest(e, a, n)])
        assert await wire.get(peer(device.port, device.user, timeout=5.0), [NAME]) == {NAME: b"it-is-me"}
    assert 190 <= sum(wire.refused.values()) <= 200


REFUSED = [
    (v3.LEVEL, "another security level"),
    (v3.USER, "does not know this user"),
    (v3.DIGEST, "authentication key is wrong"),
    (v3.DECRYPTION, "privacy key is wrong"),
]


@pytest.mark.parametrize(("counter", "says"), REFUSED)
async def test_when_a_report_refuses_the_user_then_that_is_said_after_one_message(
    wire: Wire, counter: str, says: str
) -> None:
    async with engine(lambda e, a, n: [e.report(a.head, counter, 0)]) as device:
        with pytest.raises(WrongCredential, match=says):
            await wire.get(peer(device.port, device.user, tries=5, timeout=1.0), [NAME])
        assert len(device.asked) == 1


@pytest.mark.parametrize(("counter", "says"), REFUSED)
async def test_when_somebody_forges_a_refusal_then_the_right_answer_behind_it_counts(
    wire: Wire, counter: str, says: str
) -> None:
    async with engine(lambda e, a, n: [e.report(a.head, counter, 0), *honest(e, a, n)]) as device:
        assert await wire.get(peer(device.port, device.user), [NAME]) == {NAME: b"it-is-me"}


async def test_when_a_level_is_refused_then_nothing_is_ever_asked_at_a_weaker_one(wire: Wire) -> None:
    for level in (0, usm.AUTH):
        async with engine(lambda e, a, n, level=level: [e.report(a.head, v3.LEVEL, level)]) as device:
            for _ in range(3):
                with pytest.raises(WrongCredential):
                    await wire.get(peer(device.port, device.user), [NAME])
            assert {a.head.flags & 3 for a in device.asked} == {3}


async def test_when_the_privacy_key_is_wrong_and_met_with_silence_then_it_is_the_credential(wire: Wire) -> None:
    async with engine(silent_when_wrong=True) as device:
        with pytest.raises(WrongCredential, match="privacy key"):
            await wire.get(peer(device.port, v3.user(privacy_key="not-the-right-one"), tries=2), [NAME])


async def test_when_a_device_that_answered_loses_one_question_then_it_is_asked_again_and_not_blamed(wire: Wire) -> None:
    async with engine() as device:
        asked = await first_proven(wire, device, lambda e, a, n: [] if n == 4 else honest(e, a, n))
        assert await wire.get(asked, [NAME]) == {NAME: b"it-is-me"}


async def test_when_nobody_is_there_then_v3_is_silent(wire: Wire) -> None:
    async with engine() as device:
        asked = await first_proven(wire, device, honest)
    with pytest.raises(Silent):
        await wire.get(asked, [NAME])


async def test_when_an_engine_changes_its_mind_for_ever_then_the_question_ends(wire: Wire) -> None:
    def fickle(e: Engine, a: Asked, n: int) -> list[bytes]:
        e.id = b"\x80\0\x1f\x88\x04" + bytes((65 + n,))
        return [e.report(a.head, v3.ENGINE, 0)]

    async with engine(fickle) as device:
        with pytest.raises(Malformed, match="changes with every question"):
            await wire.get(peer(device.port, device.user), [NAME])
        assert len(device.asked) < 10


@pytest.mark.parametrize(
    "user",
    [
        v3.user(auth_key="short"),
        v3.user(user=""),
        v3.user(user="x" * 33),
        v3.user(privacy_key=None),
        v3.user(auth=None),
    ],
    ids=["short key", "no name", "long name", "no privacy key", "privacy alone"],
)
async def test_when_a_credential_cannot_be_used_then_nothing_is_asked_with_it(wire: Wire, user: User) -> None:
    async with engine() as device:
        with pytest.raises(NotAsked):
            await wire.get(peer(device.port, user), [NAME])
        assert not device.asked


@pytest.mark.parametrize("privacy", ["aes192c", "aes256c"])
async def test_when_keys_are_extended_as_cisco_does_then_pysnmp_agrees(wire: Wire, privacy: str) -> None:
    user, reference = v3.user(privacy=privacy, auth="sha1"), Snmp()
    async with engine(user=user) as device:
        assert await wire.get(peer(device.port, user), [NAME]) == {NAME: b"it-is-me"}
        assert await reference.get(peer(device.port, user, timeout=2.0), [NAME]) == {NAME: b"it-is-me"}
        await reference.close()


async def test_when_net_snmp_asks_the_engine_of_these_tests_then_it_is_understood() -> None:
    async with engine() as device:
        command = [
            "snmpget",
            "-v3",
            "-l",
            "authPriv",
            "-u",
            "watcher",
            "-a",
            "SHA-256",
            "-A",
            "correct-auth-key",
            "-x",
            "AES",
        ]
        command += ["-X", "correct-privacy-key", "-On", "-Ov", f"127.0.0.1:{device.port}", NAME]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, env={"MIBS": ""})
    assert "it-is-me" in done.stdout, done.stderr
