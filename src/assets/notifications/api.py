"""Channels, subscriptions and notifications over HTTP."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from asyncpg import Record
from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.notifications import service
from assets.notifications.addresses import OPTIONS, URL_MAX
from assets.notifications.notify import Outlet
from assets.notifications.routing import SEVERITIES
from assets.vault import Vault
from assets.web.language import choose, say
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

STATES = ("waiting", "sending", "sent", "suppressed", "failed")
Language = Literal["vi", "en"]
Severity = Literal["info", "warning", "critical"]
Kinds = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=service.KINDS_MAX)]


class ChannelOut(BaseModel):
    """A channel; its address is never shown again, only its scheme. `person` is whose own it is (null: nobody's)."""

    id: UUID
    name: str
    scheme: str
    language: str
    enabled: bool
    failing_since: datetime | None
    last_error: str
    person: str | None
    version: int


class ChannelIn(BaseModel):
    """A channel to add; `url` is an address such as mailtos://, zalo://, slack://, ntfys://, gotifys:// or https://."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=120)]
    url: Annotated[str, Field(min_length=1, max_length=URL_MAX, repr=False)]
    language: Language = "vi"
    enabled: bool = True
    person: Annotated[str, Field(max_length=60)] = ""


class ChannelChange(BaseModel):
    """What to change of a channel; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    url: Annotated[str | None, Field(min_length=1, max_length=URL_MAX, repr=False)] = None
    language: Language | None = None
    enabled: bool | None = None
    person: Annotated[str, Field(max_length=60)] | None = None


class SubscriptionOut(BaseModel):
    """What a channel is told: of one site (by code; null: all), of these kinds (empty: all), from a severity up."""

    id: UUID
    channel: UUID
    channel_name: str
    site: str | None
    kinds: list[str]
    severity: str
    version: int


class SubscriptionIn(BaseModel):
    """A subscription to add."""

    model_config = ConfigDict(extra="forbid")
    channel: UUID
    site: Annotated[str, Field(max_length=20)] | None = None
    kinds: Kinds = []
    severity: Severity = "critical"


class SubscriptionChange(BaseModel):
    """What to change of a subscription; what is not named stays, a null site means all sites."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(max_length=20)] | None = None
    kinds: Kinds = []
    severity: Severity = "critical"


class NotificationOut(BaseModel):
    """One message to one channel about one change. `reason` says why it was suppressed, `error` what failed last."""

    id: UUID
    incident_id: UUID | None
    subject_kind: str
    subject: UUID
    change: str
    channel: UUID
    channel_name: str
    site: str | None
    severity: str
    state: str
    created_at: datetime
    next_attempt_at: datetime | None
    attempts: int
    sent_at: datetime | None
    reason: str
    error: str


CHANNELS = Listing(
    select="c.*, u.name as login", source="channels c left join users u on u.id = c.person", key="c.id",
    columns={
        "name": Column("c.name"), "scheme": Column("c.scheme", choices=tuple(OPTIONS)),
        "enabled": Column("c.enabled", "boolean"), "failing_since": Column("c.failing_since", "timestamptz"),
        "person": Column("u.name"),
    },
    sort="name",
    search=(folded("c.name"), "lower(c.scheme)"),
)  # fmt: skip
SUBSCRIPTIONS = Listing(
    select="u.*, c.name as channel_name, s.code as site_code",
    source="subscriptions u join channels c on c.id = u.channel left join sites s on s.id = u.site", key="u.id",
    columns={
        "channel": Column("u.channel", "uuid", sortable=False), "channel_name": Column("c.name"),
        "site": Column("s.code"), "severity": Column("u.severity", choices=SEVERITIES),
    },
    sort="channel_name",
    search=("s.search", folded("c.name")),
    site="u.site",
)  # fmt: skip
_INCIDENT = "(case when n.subject_kind = 'incident' then n.subject end)"
NOTIFICATIONS = Listing(
    select=f"n.*, {_INCIDENT} as incident_id, c.name as channel_name, s.code as site_code",
    source="notifications n join channels c on c.id = n.channel left join sites s on s.id = n.site", key="n.id",
    columns={
        "incident_id": Column(_INCIDENT, "uuid", sortable=False), "state": Column("n.state", choices=STATES),
        "subject_kind": Column("n.subject_kind"), "subject": Column("n.subject", "uuid", sortable=False),
        "change": Column("n.change"), "channel": Column("n.channel", "uuid", sortable=False), "site": Column("s.code"),
        "severity": Column("n.severity", choices=SEVERITIES), "created_at": Column("n.created_at", "timestamptz"),
        "sent_at": Column("n.sent_at", "timestamptz"),
    },
    sort="-created_at",
    search=("s.search",),
    site="n.site",
)  # fmt: skip


_channel = from_row(ChannelOut, person="login")
_subscribed = from_row(SubscriptionOut, "kinds", site="site_code")


def _subscription(row: Record) -> SubscriptionOut:
    return _subscribed(row, kinds=service.kinds_of(row["kinds"]))


def _in(language: str) -> Callable[[Record], NotificationOut]:
    def make(row: Record) -> NotificationOut:
        waits = row["next_attempt_at"] if row["state"] == "waiting" else None
        return _notification(row, reason=say(language, row["reason"]), next_attempt_at=waits)

    return make


_notification = from_row(NotificationOut, "reason", "next_attempt_at", site="site_code")


async def _one_channel(actor: Actor, channel: UUID) -> Response[ChannelOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, CHANNELS, ListQuery(limit=1), _channel, where=[("c.id = {}", [channel])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


async def _one_subscription(actor: Actor, subscription: UUID) -> Response[SubscriptionOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, SUBSCRIPTIONS, ListQuery(limit=1), _subscription, scope=actor.scope,
            where=[("u.id = {}", [subscription])],
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class Channels(Controller):
    """Where messages go."""

    path = "/api/v1/channels"
    tags = ("notifications",)

    @get(operation_id="listChannels", guards=[requires(Action.VIEW_SYSTEM, province=True)], **listed(CHANNELS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ChannelOut]:
        """All channels, with those that fail just now."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, CHANNELS, asked, _channel)

    @post(operation_id="createChannel", guards=[requires(Action.EDIT_CHANNELS, province=True)])
    async def create(
        self, data: JSONBody[ChannelIn], actor: NamedDependency[Actor], vault: NamedDependency[Vault],
        outlet: NamedDependency[Outlet],
    ) -> Response[ChannelOut]:  # fmt: skip
        """Add a channel; its address is checked now and again before each message."""
        new = service.NewChannel(**data.model_dump())
        channel = await service.create_channel(actor, new, vault=vault, outlet=outlet, now=clock.now())
        return await _one_channel(actor, channel)

    @get("/{channel:uuid}", operation_id="getChannel", guards=[requires(Action.VIEW_SYSTEM, province=True)])
    async def one(self, channel: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[ChannelOut]:
        """One channel."""
        return await _one_channel(actor, channel)

    @patch("/{channel:uuid}", operation_id="editChannel", guards=[requires(Action.EDIT_CHANNELS, province=True)])
    async def edit(
        self, channel: FromPath[UUID], data: JSONBody[ChannelChange], actor: NamedDependency[Actor],
        vault: NamedDependency[Vault], outlet: NamedDependency[Outlet], if_match: IfMatch = None,
    ) -> Response[ChannelOut]:  # fmt: skip
        """Change a channel that is still as the caller read it."""
        changes, version = data.model_dump(exclude_unset=True, exclude_none=True), version_of(if_match)
        await service.edit_channel(
            actor, channel, changes, version=version, vault=vault, outlet=outlet, now=clock.now()
        )
        return await _one_channel(actor, channel)

    @delete("/{channel:uuid}", operation_id="deleteChannel", guards=[requires(Action.EDIT_CHANNELS, province=True)])
    async def remove(self, channel: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Remove a channel with its subscriptions and notifications."""
        await service.delete_channel(actor, channel, version=version_of(if_match))

    @post(
        "/{channel:uuid}/test",
        operation_id="testChannel",
        status_code=202,
        guards=[requires(Action.EDIT_CHANNELS, province=True)],
    )
    async def test(
        self, channel: FromPath[UUID], actor: NamedDependency[Actor], request: Request[Any, Any, Any]
    ) -> NotificationOut:
        """Write a test message; what became of it shows in the notification."""
        written = await service.try_channel(actor, channel, now=clock.now())
        return await _one_notification(actor, written, choose(request))


class Subscriptions(Controller):
    """Which channel is told of what."""

    path = "/api/v1/subscriptions"
    tags = ("notifications",)

    @get(operation_id="listSubscriptions", guards=[requires(Action.VIEW_SYSTEM)], **listed(SUBSCRIPTIONS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[SubscriptionOut]:
        """Subscriptions; with a narrow scope those of the caller's own sites."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, SUBSCRIPTIONS, asked, _subscription, scope=actor.scope)

    @post(operation_id="createSubscription", guards=[requires(Action.EDIT_CHANNELS, province=True)])
    async def create(self, data: JSONBody[SubscriptionIn], actor: NamedDependency[Actor]) -> Response[SubscriptionOut]:
        """Add a subscription."""
        new = service.NewSubscription(**{**data.model_dump(), "kinds": tuple(data.kinds)})
        return await _one_subscription(actor, await service.create_subscription(actor, new))

    @get("/{subscription:uuid}", operation_id="getSubscription", guards=[requires(Action.VIEW_SYSTEM)])
    async def one(self, subscription: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[SubscriptionOut]:
        """One subscription."""
        return await _one_subscription(actor, subscription)

    @patch(
        "/{subscription:uuid}", operation_id="editSubscription", guards=[requires(Action.EDIT_CHANNELS, province=True)]
    )
    async def edit(
        self, subscription: FromPath[UUID], data: JSONBody[SubscriptionChange], actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[SubscriptionOut]:  # fmt: skip
        """Change a subscription that is still as the caller read it."""
        changes = data.model_dump(exclude_unset=True)
        await service.edit_subscription(actor, subscription, changes, version=version_of(if_match))
        return await _one_subscription(actor, subscription)

    @delete(
        "/{subscription:uuid}",
        operation_id="deleteSubscription",
        guards=[requires(Action.EDIT_CHANNELS, province=True)],
    )
    async def remove(
        self, subscription: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> None:
        """Remove a subscription."""
        await service.delete_subscription(actor, subscription, version=version_of(if_match))


class Notifications(Controller):
    """What was told to whom, what waits, and what stayed quiet and why."""

    path = "/api/v1/notifications"
    tags = ("notifications",)

    @get(operation_id="listNotifications", guards=[requires(Action.VIEW_SYSTEM)], **listed(NOTIFICATIONS))
    async def listing(
        self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], request: Request[Any, Any, Any]
    ) -> Page[NotificationOut]:
        """Notifications about the caller's sites, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, NOTIFICATIONS, asked, _in(choose(request)), scope=actor.scope)

    @get("/{notification:uuid}", operation_id="getNotification", guards=[requires(Action.VIEW_SYSTEM)])
    async def one(
        self, notification: FromPath[UUID], actor: NamedDependency[Actor], request: Request[Any, Any, Any]
    ) -> NotificationOut:
        """One notification."""
        return await _one_notification(actor, notification, choose(request))


async def _one_notification(actor: Actor, notification: UUID, language: str) -> NotificationOut:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, NOTIFICATIONS, ListQuery(limit=1), _in(language), scope=actor.scope,
            where=[("n.id = {}", [notification])],
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return found.items[0]


routes: Sequence[ControllerRouterHandler] = [Channels, Subscriptions, Notifications]
