"""The verbs of notifications: announce a change, keep channels and subscriptions, try a channel."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from assets import clock
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.jobs import enqueue_many
from assets.notifications.notify import Message, Outlet
from assets.notifications.outbox import Quiet, look, place_of
from assets.notifications.routing import RESOLVED, SEVERITIES, News, Wish, channels_for
from assets.text import clean
from assets.vault import Vault
from assets.web.language import LANGUAGES, N_, translate

TRIAL = "channel"  # the subject kind of a test message
# All that is no secret.
CHANNEL = ("name", "scheme", "language", "enabled", "failing_since", "last_error", "person", "version")
CHANNELS_MAX = 200
SUBSCRIPTIONS_MAX = 5_000
KINDS_MAX = 20


async def announce(
    tx: Connection, *, subject_kind: str, subject: UUID, change: str, kind: str, severity: str, site: UUID | None,
    facts: Mapping[str, Any], due_at: datetime, now: datetime | None = None, people: Sequence[UUID] = (),
) -> list[UUID]:  # fmt: skip
    """Write one notification for each channel that wants it, and the jobs to deliver them at `due_at`; the new ones.

    It also goes to the own channels of these `people`, whatever they subscribed to.

    Joins the caller's transaction: without its cause nothing is announced. The same change of a subject is told once
    to a channel, however often it is announced. Its end (`resolved`) goes to whom its beginning was written for,
    whatever the subscriptions say now.
    """
    if change == RESOLVED:
        channels = await _channels_of(tx, subject_kind, subject)
    else:
        wanted = channels_for(News(kind, severity, site), await _wishes(tx, site))
        channels = sorted({*wanted, *await _own_channels(tx, people)})
    return await _write(
        tx, channels, due_at=due_at, now=now,
        row=(subject_kind, subject, change, site, json.dumps(facts, ensure_ascii=False, default=str), severity),
    )  # fmt: skip


async def announce_together(
    tx: Connection, *, subject_kind: str, subject: UUID, change: str, items: Sequence[tuple[News, Mapping[str, Any]]],
    facts: Callable[[list[Mapping[str, Any]]], Mapping[str, Any]], due_at: datetime, now: datetime,
) -> set[int]:  # fmt: skip
    """Write one notification for each channel that wants some of the news, about all of it that it wants.

    `facts` makes the stored facts from a channel's items. Answers which items (by number) somebody will be told of.
    """
    wanted = _shares(items, await _every_wish(tx))
    for channel, numbers in sorted(wanted.items()):
        news = [items[number][0] for number in numbers]
        places = {one.site for one in news}
        stored = json.dumps(facts([items[number][1] for number in numbers]), ensure_ascii=False, default=str)
        loudest = max((one.severity for one in news), key=SEVERITIES.index)
        row = (subject_kind, subject, change, places.pop() if len(places) == 1 else None, stored, loudest)
        await _write(tx, [channel], row=row, due_at=due_at, now=now)
    return {number for numbers in wanted.values() for number in numbers}


def _shares(items: Sequence[tuple[News, object]], wishes: list[Wish]) -> dict[UUID, list[int]]:
    """By channel, the numbers of the items that it wants."""
    at = defaultdict[UUID | None, list[Wish]](list)
    for wish in wishes:
        at[wish.site].append(wish)
    found = defaultdict[UUID, list[int]](list)
    for number, (news, _) in enumerate(items):
        for channel in channels_for(news, [*at[None], *(at[news.site] if news.site else [])]):
            found[channel].append(number)
    return found


async def _write(
    tx: Connection, channels: list[UUID], *, row: tuple[object, ...], due_at: datetime, now: datetime | None
) -> list[UUID]:
    if not channels:
        return []
    written = await tx.fetch(
        "insert into notifications (id, channel, subject_kind, subject, change, site, facts, severity, state, created_at, "
        "next_attempt_at, attempts, reason, error) select id, channel, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10, 0, '', '' "
        "from unnest($1::uuid[], $2::uuid[]) as new(id, channel) "
        "on conflict (subject_kind, subject, change, channel) do nothing returning id",
        [new_id() for _ in channels], channels, *row, now or due_at, due_at,
    )  # fmt: skip
    fresh = [found["id"] for found in written]
    await enqueue_many(tx, [look(found, due_at, now=now or clock.now()) for found in fresh])
    return fresh


_WISHES = "select s.channel, s.site, s.kinds, s.severity from subscriptions s join channels c on c.id = s.channel where c.enabled"


async def _wishes(tx: Connection, site: UUID | None) -> list[Wish]:
    return [_wish_of(row) for row in await tx.fetch(f"{_WISHES} and (s.site is null or s.site = $1)", site)]


async def _own_channels(tx: Connection, people: Sequence[UUID]) -> list[UUID]:
    if not people:
        return []
    rows = await tx.fetch(
        "select c.id from channels c join users u on u.id = c.person and u.active where c.enabled and u.id = any($1)",
        list(people),
    )
    return [row["id"] for row in rows]


async def _every_wish(tx: Connection) -> list[Wish]:
    return [_wish_of(row) for row in await tx.fetch(_WISHES)]


def _wish_of(row: Mapping[str, Any]) -> Wish:
    return Wish(row["channel"], row["site"], frozenset(kinds_of(row["kinds"])), row["severity"])


def kinds_of(stored: str) -> list[str]:
    """The kinds of a subscription's row."""
    return [str(kind) for kind in json.loads(stored)]


async def _channels_of(tx: Connection, subject_kind: str, subject: UUID) -> list[UUID]:
    rows = await tx.fetch(
        "select distinct channel from notifications where subject_kind = $1 and subject = $2", subject_kind, subject
    )
    return sorted(row["channel"] for row in rows)


# --- channels ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewChannel:
    """A channel to be; `url` is its whole address with whatever is secret in it, `person` whose own it is (sign-in name)."""

    name: str
    url: str = field(repr=False)
    language: str = "vi"
    enabled: bool = True
    person: str = ""


async def have_channels() -> bool:
    """Whether messages can leave at all."""
    async with transaction(EVERYTHING) as tx:
        return bool(await tx.fetchval("select exists (select 1 from channels)"))


async def create_channel(actor: Actor, new: NewChannel, *, vault: Vault, outlet: Outlet, now: datetime) -> UUID:
    """Add a channel; Invalid names what is wrong with its address, which is checked before anything is stored."""
    _may_edit(actor)
    channel, values = new_id(), _checked({"name": new.name, "language": new.language, "enabled": new.enabled})
    address = await outlet.check(new.url)
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select count(*) from channels") >= CHANNELS_MAX:
            raise Conflict(f"There are {CHANNELS_MAX} channels already.")
        await _refuse_taken(tx, values["name"], channel)
        values["person"] = await _person(tx, new.person)
        await tx.execute(
            "insert into channels (id, name, url, scheme, language, enabled, last_error, person, version) "
            "values ($1, $2, $3, $4, $5, $6, '', $7, 1)",
            channel, values["name"], vault.seal(new.url, bound_to=place_of(channel)), address.scheme,
            values["language"], values["enabled"], values["person"],
        )  # fmt: skip
        await record(
            tx, by=actor, action="create", kind="channel", subject=channel, name=values["name"],
            after={**values, "scheme": address.scheme, "version": 1},
        )  # fmt: skip
    return channel


async def edit_channel(
    actor: Actor,
    channel: UUID,
    changes: Mapping[str, Any],
    *,
    version: int,
    vault: Vault,
    outlet: Outlet,
    now: datetime,
) -> None:
    """Change name, language, enabled, person or url of a channel that is still at `version`."""
    _may_edit(actor)
    values = _checked({key: value for key, value in changes.items() if key != "url"})
    stored = dict(values)
    if "url" in changes:
        stored["scheme"] = (await outlet.check(changes["url"])).scheme
        stored["url"] = vault.seal(changes["url"], bound_to=place_of(channel))
    async with transaction(actor.scope) as tx:
        before = await _at_version(tx, "channels", channel, version)
        if "name" in values:
            await _refuse_taken(tx, values["name"], channel)
        if "person" in stored:
            stored["person"] = await _person(tx, stored["person"])
        # What failed before may work now: let it be tried at full pace again.
        await tx.execute(
            "update channels set name = $2, language = $3, enabled = $4, url = $5, scheme = $6, person = $7, "
            "failing_since = null, last_error = '', version = version + 1 where id = $1",
            channel, *({**before, **stored}[key] for key in ("name", "language", "enabled", "url", "scheme", "person")),
        )  # fmt: skip
        told = {**before, **stored, "failing_since": None, "last_error": "", "version": version + 1}
        changed = {key: told[key] for key in CHANNEL if before[key] != told[key]}
        await record(
            tx, by=actor, action="edit", kind="channel", subject=channel, name=before["name"],
            before={key: before[key] for key in changed},
            after={**changed, **({"address": "changed"} if "url" in changes else {})},
        )  # fmt: skip


async def delete_channel(actor: Actor, channel: UUID, *, version: int) -> None:
    """Remove a channel, its subscriptions and what it was told; switch it off instead to keep the history."""
    _may_edit(actor)
    async with transaction(actor.scope) as tx:
        before = await _at_version(tx, "channels", channel, version)
        told = await tx.fetchval("select count(*) from notifications where channel = $1", channel)
        for row in await tx.fetch("select * from subscriptions where channel = $1 order by id for update", channel):
            await _record_unsubscribed(tx, actor, row)
        await tx.execute("delete from channels where id = $1", channel)
        await record(
            tx, by=actor, action="delete", kind="channel", subject=channel, name=before["name"],
            before={**{key: before[key] for key in CHANNEL}, "notifications": told},
        )  # fmt: skip


async def try_channel(actor: Actor, channel: UUID, *, now: datetime) -> UUID:
    """Write a test message to a channel; it takes the way of every other message, and so shows that the way works."""
    _may_edit(actor)
    async with transaction(actor.scope) as tx:
        name = await tx.fetchval("select name from channels where id = $1", channel)
        if name is None:
            raise NotFound()
        change = f"test-{int(now.timestamp())}"
        row = (TRIAL, channel, change, None, json.dumps({"by": actor.name}, ensure_ascii=False), "info")
        written = await _write(tx, [channel], row=row, due_at=now, now=now)
        if not written:
            raise Conflict("A test message was written a moment ago.")
        await record(
            tx, by=actor, action="test", kind="notification", subject=written[0], name=name,
            after={"channel": channel, "change": change},
        )  # fmt: skip
    return written[0]


class Trial:
    """Test messages as the outbox sees them."""

    async def why_quiet(self, tx: Connection, subject: UUID, change: str, channel: UUID, now: datetime) -> Quiet | None:
        """Never: somebody waits for it."""
        return None

    async def compose(
        self, tx: Connection, subject: UUID, change: str, facts: Mapping[str, Any], language: str
    ) -> Message:
        """Says that it is a test, and who asked for it."""
        title = translate(language, N_("[Test] This channel works"))
        return Message(title, translate(language, N_("%(name)s asked for this test message."), name=facts["by"]))


# --- subscriptions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewSubscription:
    """What a channel is to be told: of the site with this code (None: all), these kinds (none: all), from `severity` up."""

    channel: UUID
    site: str | None = None
    kinds: tuple[str, ...] = ()
    severity: str = "critical"


async def create_subscription(actor: Actor, new: NewSubscription) -> UUID:
    """Add a subscription; Invalid when its channel or site do not exist."""
    _may_edit(actor)
    subscription = new_id()
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select count(*) from subscriptions") >= SUBSCRIPTIONS_MAX:
            raise Conflict(f"There are {SUBSCRIPTIONS_MAX} subscriptions already.")
        if not await tx.fetchval("select 1 from channels where id = $1", new.channel):
            raise Invalid(fields={"channel": "there is no such channel"})
        values = await _wish(tx, {"site": new.site, "kinds": new.kinds, "severity": new.severity})
        await tx.execute(
            "insert into subscriptions (id, channel, site, kinds, severity, version) values ($1, $2, $3, $4, $5, 1)",
            subscription, new.channel, values["site"], json.dumps(values["kinds"]), values["severity"],
        )  # fmt: skip
        await record(
            tx, by=actor, action="create", kind="subscription", subject=subscription, site=values["site"],
            after={"channel": new.channel, **values, "version": 1},
        )  # fmt: skip
    return subscription


async def edit_subscription(actor: Actor, subscription: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change site, kinds or severity of a subscription that is still at `version`."""
    _may_edit(actor)
    async with transaction(actor.scope) as tx:
        found = await _at_version(tx, "subscriptions", subscription, version)
        before = {"site": found["site"], "kinds": kinds_of(found["kinds"]), "severity": found["severity"]}
        after = {**before, **await _wish(tx, changes)}
        await tx.execute(
            "update subscriptions set site = $2, kinds = $3, severity = $4, version = version + 1 where id = $1",
            subscription, after["site"], json.dumps(after["kinds"]), after["severity"],
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="subscription", subject=subscription, site=after["site"],
            **differences({**before, "version": version}, {**after, "version": version + 1}),
        )  # fmt: skip


async def delete_subscription(actor: Actor, subscription: UUID, *, version: int) -> None:
    """Remove a subscription; what was written for it before is still told."""
    _may_edit(actor)
    async with transaction(actor.scope) as tx:
        before = await _at_version(tx, "subscriptions", subscription, version)
        await tx.execute("delete from subscriptions where id = $1", subscription)
        await _record_unsubscribed(tx, actor, before)


async def _record_unsubscribed(tx: Connection, actor: Actor, row: Mapping[str, Any]) -> None:
    before = {key: row[key] for key in ("channel", "site", "severity", "version")} | {"kinds": kinds_of(row["kinds"])}
    await record(tx, by=actor, action="delete", kind="subscription", subject=row["id"], site=row["site"], before=before)


# --- shared checks ----------------------------------------------------------------------------------------------

_BY_ID = {
    "channels": "select * from channels where id = $1 for update",
    "subscriptions": "select * from subscriptions where id = $1 for update",
}


def _may_edit(actor: Actor) -> None:
    if not actor.require(Action.EDIT_CHANNELS).scope.everything:
        raise NotFound()  # channels belong to the province


async def _at_version(tx: Connection, table: str, row: UUID, version: int) -> dict[str, Any]:
    found = await tx.fetchrow(_BY_ID[table], row)
    if found is None:
        raise NotFound()
    if found["version"] != version:
        raise Stale()
    return dict(found)


async def _person(tx: Connection, name: str) -> UUID | None:
    """Whose own channel it is to be, by sign-in name; nobody's without one."""
    if not name:
        return None
    found: UUID | None = await tx.fetchval("select id from users where name = $1", clean(name, 60).lower())
    if found is None:
        raise Invalid(fields={"person": "there is no such person"})
    return found


async def _refuse_taken(tx: Connection, name: str, channel: UUID) -> None:
    if await tx.fetchval("select 1 from channels where name = $1 and id <> $2", name, channel):
        raise Conflict(f"There is a channel called {name} already.")


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Cleaned name, language and enabled, those that are given; Invalid names each wrong one."""
    found, wrong = dict(values), {}
    if "name" in values:
        found["name"] = clean(values["name"], 120)
        if not found["name"]:
            wrong["name"] = "missing"
    if "language" in values and values["language"] not in LANGUAGES:
        wrong["language"] = f"one of {', '.join(LANGUAGES)}"
    if wrong:
        raise Invalid(fields=wrong)
    return found


async def _wish(tx: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    """Site (id), kinds and severity, those that are given; Invalid names each wrong one."""
    found, wrong = dict(values), {}
    if values.get("site") is not None:
        found["site"] = await tx.fetchval("select id from sites where code = $1", values["site"])
        if found["site"] is None:
            wrong["site"] = "there is no such site"
    if "kinds" in values:
        found["kinds"] = sorted({clean(kind, 40) for kind in values["kinds"]} - {""})
        if len(found["kinds"]) > KINDS_MAX:
            wrong["kinds"] = f"at most {KINDS_MAX}"
    if "severity" in values and values["severity"] not in SEVERITIES:
        wrong["severity"] = f"one of {', '.join(SEVERITIES)}"
    if wrong:
        raise Invalid(fields=wrong)
    return found
