"""The collector with several credentials against Debian's snmpd: which is shown, which kept, how rarely a wrong one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from assets.collector.devices import Devices
from assets.collector.rounds import Rounds
from assets.collector.uptime import Uptime
from assets.ids import new_id
from assets.probing.contract import Assignment, Community, Credential, TargetSpec, User
from assets.probing.readings import Method, Outcome
from tests.probes.agents import AUTH_KEY, COMMUNITY, PRIVACY_KEY, USER, snmpd

RIGHT = Community(id=new_id(), community=COMMUNITY)
WRONG = Community(id=new_id(), community="wrong")
PRIVATE = User(
    id=new_id(), user=USER, auth="sha256", auth_key=AUTH_KEY, privacy="aes128", privacy_key=PRIVACY_KEY
)  # fmt: skip
WRONG_KEY = PRIVATE.model_copy(update={"id": new_id(), "auth_key": SecretStr("another-passphrase")})
STRANGER = PRIVATE.model_copy(update={"id": new_id(), "user": "stranger"})


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with snmpd(tmp_path_factory.mktemp("snmpd")) as port:
        yield port


class Shown(Devices):
    """The real prober, which remembers what it showed."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[UUID | None] = []

    async def probe(self, target: TargetSpec, credential: Credential | None) -> Any:
        self.shown.append(credential.id if credential else None)
        return await super().probe(target, credential)


class Collector:
    """The rounds of a collector for one device."""

    def __init__(self, port: int, *tried: Credential, **more: Any) -> None:
        self.prober = Shown()
        self.rounds = Rounds(prober=self.prober, emit=lambda _: None, uptime=Uptime(), concurrency=4)
        self.port, self.tried = port, tried
        self.id = new_id()
        self.assign(**more)

    def assign(self, *tried: Credential, **more: Any) -> None:
        tried = tried or self.tried
        given: dict[str, Any] = {"candidates": tuple(one.id for one in tried), "timeout_seconds": 2, "tries": 1}
        spec = TargetSpec(
            id=self.id, name="snmpd", address="127.0.0.1", port=self.port, method=Method.SNMP, **(given | more)
        )
        self.rounds.assign(Assignment(hash="h", targets=(spec,), credentials=tried))

    async def look(self) -> Any:
        self.prober.shown.clear()
        target = self.rounds.target(self.id)
        assert target is not None
        return (await self.rounds.look_with_ours(target))[0]


@pytest.fixture
async def made() -> AsyncIterator[list[Collector]]:
    kept: list[Collector] = []
    yield kept
    for one in kept:
        await one.rounds.stop()


async def test_the_one_that_is_accepted_is_found_at_once_and_kept(port: int, made: list[Collector]) -> None:
    made.append(here := Collector(port, WRONG, RIGHT, PRIVATE))
    first = await here.look()
    assert (first.outcome, first.credential) == (Outcome.ANSWERED, RIGHT.id)
    assert here.prober.shown == [WRONG.id, RIGHT.id]
    await here.look()
    assert here.prober.shown == [RIGHT.id]


async def test_v3_is_found_after_a_wrong_user_and_no_community_is_shown_any_more(
    port: int, made: list[Collector]
) -> None:
    made.append(here := Collector(port, STRANGER, RIGHT, PRIVATE))
    first = await here.look()
    assert (first.outcome, first.credential) == (Outcome.ANSWERED, PRIVATE.id)
    assert here.prober.shown == [STRANGER.id, PRIVATE.id]


async def test_what_refuses_v3_is_not_asked_by_v2c_though_it_would_answer(port: int, made: list[Collector]) -> None:
    made.append(here := Collector(port, WRONG_KEY, RIGHT))
    for _ in range(3):
        found = await here.look()
        assert found.outcome is Outcome.WRONG_CREDENTIAL
        assert RIGHT.id not in here.prober.shown
    assert here.prober.shown == []  # it rests


async def test_what_the_service_remembers_holds_from_the_first_look_on(port: int, made: list[Collector]) -> None:
    made.append(here := Collector(port, RIGHT, PRIVATE, credential=PRIVATE.id, level_min=3))
    assert (await here.look()).credential == PRIVATE.id
    assert here.prober.shown == [PRIVATE.id]
    made.append(floor := Collector(port, RIGHT, level_min=1))
    await floor.look()
    assert floor.prober.shown == []


async def test_a_chosen_one_alone_is_asked_with_and_rests_when_it_is_refused(port: int, made: list[Collector]) -> None:
    made.append(here := Collector(port, WRONG_KEY, candidates=(), credential=WRONG_KEY.id))
    assert (await here.look()).outcome is Outcome.WRONG_CREDENTIAL
    again = await here.look()
    assert again.outcome is Outcome.WRONG_CREDENTIAL
    assert here.prober.shown == []
    assert "asked again in" in again.detail


async def test_a_corrected_secret_is_tried_at_once(port: int, made: list[Collector]) -> None:
    made.append(here := Collector(port, WRONG_KEY))
    assert (await here.look()).outcome is Outcome.WRONG_CREDENTIAL
    here.assign(PRIVATE.model_copy(update={"id": WRONG_KEY.id}))
    assert (await here.look()).outcome is Outcome.ANSWERED


async def test_the_cost_of_a_look_is_counted_where_it_is_sent(port: int, made: list[Collector]) -> None:
    made.append(here := Collector(port, RIGHT))
    first, second = await here.look(), await here.look()
    assert first.traffic.octets > second.traffic.octets > 500
    assert second.traffic.packets % 2 == 0
    here.assign(light=True)
    light = await here.look()
    assert light.outcome is Outcome.ANSWERED
    assert light.traffic.packets == 2
    assert light.traffic.octets < 250
    await asyncio.sleep(0)
