"""Channels and subscriptions: who may keep them, what is stored of them, and what the API shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Send
from litestar.types import Scope as ASGIScope

from assets.access.actor import NOBODY, Actor
from assets.access.permissions import Role
from assets.db import EVERYTHING, Scope, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.notifications import api, service
from assets.notifications.addresses import LOOPBACK
from assets.notifications.notify import Message, Outlet, Sent
from assets.notifications.outbox import Destination, deliver_one, place_of
from assets.notifications.service import NewChannel, NewSubscription
from assets.vault import Vault
from assets.web import problems

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
CANARY = "canary-5f1d"
MAIL = f"mailto://robot:{CANARY}@127.0.0.1:2525?from=assets@example.vn&to=on-call@example.vn"
ALICE = Actor(new_id(), "Alice", frozenset({Role.PROVINCE_IT}), EVERYTHING, language="en")
CHARLIE = Actor(new_id(), "Charlie", frozenset({Role.PROVINCE_IT, Role.ON_CALL}), Scope.of_sites([new_id()]))
CLERK = Actor(new_id(), "Clerk", frozenset({Role.CLERK}), Scope.of_sites([new_id()]))


@pytest.fixture(scope="module")
async def outlet() -> AsyncIterator[Outlet]:
    opened = Outlet(allowed=LOOPBACK)
    yield opened
    await opened.close()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path)


@pytest.fixture
async def channel(database: str, vault: Vault, outlet: Outlet) -> UUID:
    return await service.create_channel(ALICE, NewChannel("Duty", MAIL), vault=vault, outlet=outlet, now=NOW)


async def everything_stored() -> str:
    async with transaction(EVERYTHING) as tx:
        rows = [*await tx.fetch("select * from channels"), *await tx.fetch("select * from audit_events")]
    return repr([dict(row) for row in rows])


# --- channels ---------------------------------------------------------------------------------------------------


async def test_when_a_channel_is_stored_then_its_address_is_sealed_and_nowhere_else(
    channel: UUID, vault: Vault
) -> None:
    assert CANARY not in await everything_stored()
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select * from channels")
        audit = await tx.fetchrow("select action, subject_name from audit_events")
    assert vault.unseal(row["url"], bound_to=place_of(channel)).decode() == MAIL
    assert (row["scheme"], row["enabled"], row["version"]) == ("mailto", True, 1)
    assert tuple(audit) == ("create", "Duty")


async def test_when_an_address_is_not_accepted_then_nothing_is_stored(
    database: str, vault: Vault, outlet: Outlet
) -> None:
    new = NewChannel("Duty", f"json://10.0.0.1/{CANARY}")
    with pytest.raises(Invalid) as caught:
        await service.create_channel(ALICE, new, vault=vault, outlet=outlet, now=NOW)
    assert CANARY not in str(caught.value) + repr(caught.value.fields)
    assert await everything_stored() == "[]"


async def test_when_a_channel_changes_then_the_version_guards_it(channel: UUID, vault: Vault, outlet: Outlet) -> None:
    changes: dict[str, Any] = {"name": "Duty 2", "url": MAIL.replace("2525", "2526"), "enabled": False}
    for version, expected in ((2, Stale), (1, None), (1, Stale)):
        edit = service.edit_channel(ALICE, channel, changes, version=version, vault=vault, outlet=outlet, now=NOW)
        if expected:
            with pytest.raises(expected):
                await edit
        else:
            await edit
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select * from channels")
    assert (row["name"], row["enabled"], row["version"]) == ("Duty 2", False, 2)
    assert b":2526" in vault.unseal(row["url"], bound_to=place_of(channel))
    assert CANARY not in await everything_stored()


async def test_when_a_name_is_taken_then_it_is_a_conflict(channel: UUID, vault: Vault, outlet: Outlet) -> None:
    with pytest.raises(Conflict):
        await service.create_channel(ALICE, NewChannel("Duty", MAIL), vault=vault, outlet=outlet, now=NOW)


@pytest.mark.parametrize(("actor", "refused"), [(CLERK, NotAllowed), (CHARLIE, NotFound)])
async def test_when_somebody_is_not_the_province_then_channels_are_not_theirs(
    channel: UUID, vault: Vault, outlet: Outlet, actor: Actor, refused: type[Exception]
) -> None:
    acts = [
        service.create_channel(actor, NewChannel("Mine", MAIL), vault=vault, outlet=outlet, now=NOW),
        service.edit_channel(actor, channel, {"name": "x"}, version=1, vault=vault, outlet=outlet, now=NOW),
        service.delete_channel(actor, channel, version=1),
        service.try_channel(actor, channel, now=NOW),
        service.create_subscription(actor, NewSubscription(channel)),
    ]
    for act in acts:
        with pytest.raises(refused):
            await act


async def test_a_test_message_takes_the_way_of_every_other(channel: UUID) -> None:
    notification = await service.try_channel(ALICE, channel, now=NOW)
    sent: list[Message] = []

    async def send(destination: Destination, message: Message, key: str) -> Sent:
        sent.append(message)
        return Sent()

    subjects = {service.TRIAL: service.Trial()}
    assert await deliver_one(notification, now=NOW, subjects=subjects, send=send)
    assert "Alice" in sent[0].body
    with pytest.raises(Conflict):
        await service.try_channel(ALICE, channel, now=NOW)


# --- subscriptions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"site": "00000"}, "site"),
        ({"severity": "awful"}, "severity"),
        ({"kinds": tuple(map(str, range(30)))}, "kinds"),
    ],
)
async def test_when_a_subscription_is_wrong_then_the_field_is_named(
    channel: UUID, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await service.create_subscription(ALICE, NewSubscription(channel, **wrong))
    assert set(caught.value.fields) == {field}


async def test_when_a_channel_goes_then_its_subscriptions_go_with_it(channel: UUID) -> None:
    await service.create_subscription(ALICE, NewSubscription(channel, kinds=("device", "link"), severity="warning"))
    await service.delete_channel(ALICE, channel, version=1)
    async with transaction(EVERYTHING) as tx:
        assert await tx.fetchval("select count(*) from subscriptions") == 0


# --- the API ----------------------------------------------------------------------------------------------------


class Client:
    """Calls the feature's own routes as whoever `actor` is."""

    def __init__(self, vault: Vault, outlet: Outlet) -> None:
        self.actor = ALICE
        client = self

        class SignIn(ASGIMiddleware):
            async def handle(self, scope: ASGIScope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
                scope["state"]["actor"] = client.actor
                await next_app(scope, receive, send)

        def given(value: object) -> Provide:
            return Provide(lambda: value, sync_to_thread=False)

        self.app = Litestar(
            api.routes, logging_config=None, middleware=[SignIn()], exception_handlers=problems.handlers,
            dependencies={
                "actor": Provide(lambda: self.actor, sync_to_thread=False), "vault": given(vault), "outlet": given(outlet),
            },
        )  # fmt: skip

    async def call(self, method: str, path: str, *, version: int | None = None, **options: Any) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
            return await client.request(method, path, headers=headers, **options)


@pytest.fixture
def client(database: str, vault: Vault, outlet: Outlet) -> Client:
    return Client(vault, outlet)


async def test_channels_over_http_never_show_their_address(client: Client) -> None:
    made = await client.call("POST", "/channels", json={"name": "Duty", "url": MAIL, "language": "en"})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    channel = made.json()["id"]
    path = f"/channels/{channel}"
    assert (await client.call("PATCH", path, json={"enabled": False})).status_code == 428
    assert (await client.call("PATCH", path, json={"enabled": False}, version=7)).status_code == 412
    changed = await client.call("PATCH", path, json={"enabled": False, "url": MAIL}, version=1)
    assert (changed.status_code, changed.json()["enabled"], changed.headers["etag"]) == (200, False, '"2"')
    listed = await client.call("GET", "/channels")
    assert [item["name"] for item in listed.json()["items"]] == ["Duty"]
    assert CANARY not in made.text + changed.text + listed.text
    assert (await client.call("DELETE", path, version=2)).status_code == 204
    assert (await client.call("GET", path)).status_code == 404


async def test_when_an_address_is_wrong_then_the_problem_names_the_field_and_no_secret(client: Client) -> None:
    answer = await client.call("POST", "/channels", json={"name": "Duty", "url": f"file:///etc/{CANARY}"})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["url"]
    assert CANARY not in answer.text


async def test_subscriptions_over_http(client: Client, channel: UUID) -> None:
    wish = {"channel": str(channel), "kinds": ["device"], "severity": "warning"}
    made = await client.call("POST", "/subscriptions", json=wish)
    assert made.status_code == 201
    path = f"/subscriptions/{made.json()['id']}"
    assert (await client.call("PATCH", path, json={"severity": "awful"}, version=1)).status_code == 400
    changed = await client.call("PATCH", path, json={"severity": "info"}, version=1)
    assert (changed.json()["severity"], changed.json()["kinds"], changed.json()["version"]) == ("info", ["device"], 2)
    found = await client.call("GET", f"/subscriptions?channel={channel}")
    assert found.json()["total"] == 1
    assert (await client.call("DELETE", path, version=2)).status_code == 204


async def test_notifications_over_http_carry_their_incident_and_state(client: Client, channel: UUID) -> None:
    incident, other = new_id(), new_id()
    await service.create_subscription(ALICE, NewSubscription(channel))
    async with transaction(EVERYTHING) as tx:
        for kind, subject in (("incident", incident), ("incident", other), ("thing", incident)):
            await service.announce(
                tx, subject_kind=kind, subject=subject, change="opened", kind="device", severity="critical", site=None,
                facts={}, due_at=NOW, now=NOW,
            )  # fmt: skip
    answer = (await client.call("GET", f"/notifications?incident_id={incident}&state=waiting")).json()
    (item,) = answer["items"]
    assert (item["incident_id"], item["state"], item["attempts"]) == (str(incident), "waiting", 0)
    assert (await client.call("GET", "/notifications?state=sent")).json()["total"] == 0
    assert (await client.call("GET", "/notifications")).json()["total"] == 3
    assert (await client.call("GET", "/notifications?colour=red")).status_code == 400
    assert (await client.call("GET", "/notifications?limit=1001")).status_code == 400
    one = await client.call("GET", f"/notifications/{item['id']}")
    assert one.json() == item


async def test_a_test_message_over_http_is_accepted_and_can_be_followed(client: Client, channel: UUID) -> None:
    answer = await client.call("POST", f"/channels/{channel}/test")
    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    assert (await client.call("POST", f"/channels/{new_id()}/test")).status_code == 404


@pytest.mark.parametrize(("actor", "status"), [(CLERK, 403), (NOBODY, 401)])
async def test_when_somebody_has_no_business_here_then_every_door_is_closed(
    client: Client, channel: UUID, actor: Actor, status: int
) -> None:
    client.actor = actor
    for path in ("/channels", "/subscriptions", "/notifications", f"/channels/{channel}"):
        assert (await client.call("GET", path)).status_code == status


async def test_charlie_sees_nothing_of_the_province(client: Client, channel: UUID) -> None:
    await service.create_subscription(ALICE, NewSubscription(channel))
    written = await service.try_channel(ALICE, channel, now=NOW)
    client.actor = CHARLIE
    for path in ("/subscriptions", "/notifications"):
        assert (await client.call("GET", path)).json() == {"items": [], "total": 0, "next": None}
    assert (await client.call("GET", f"/notifications/{written}")).status_code == 404
    for path in ("/channels", f"/channels/{channel}"):  # what belongs to no site is refused alike, there or not
        assert (await client.call("GET", path)).status_code == 403
