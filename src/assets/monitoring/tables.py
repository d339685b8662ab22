"""Rows of monitoring. The `readings` table is partitioned by day and lives in raw migrations (see DESIGN §5)."""

from typing import Any

from piccolo.columns import (
    JSONB,
    UUID,
    BigInt,
    Boolean,
    DoublePrecision,
    ForeignKey,
    Integer,
    Serial,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.tables import Application, Asset, Capability, Link
from assets.places.tables import AdministrativeUnit, Site


class Credential(Table, db=DB, tablename="credentials"):
    """A named secret to ask devices with; `secret` is sealed by the vault and bound to this row.

    `level` is how strong it is (see probing.trying); what is not secret of it is kept beside it.
    """

    id = UUID(primary_key=True, default=new_id)
    name = Varchar(length=80, unique=True)
    kind = Varchar(length=10)
    level = SmallInt(default=0)
    user_name = Varchar(length=40, default="")
    auth = Varchar(length=10, default="")
    privacy = Varchar(length=10, default="")
    secret = Text(secret=True)
    created_at = Timestamptz(default=now)
    version = Integer(default=1)


class CredentialPlace(Table, db=DB, tablename="credential_places"):
    """Where a credential is tried, and as which one: at a site, at those of a unit, or in the whole province."""

    id = UUID(primary_key=True, default=new_id)
    credential = ForeignKey(Credential, null=False, on_delete=OnDelete.restrict)
    site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.cascade)
    unit = ForeignKey(AdministrativeUnit, null=True, default=None, on_delete=OnDelete.cascade)
    position = SmallInt()


class Collector(Table, db=DB, tablename="collectors"):
    """A program that asks the devices of its sites; one of them asks for every site that no other has."""

    id = UUID(primary_key=True, default=new_id)
    name = Varchar(length=120, unique=True)
    covers_rest = Boolean(default=False)
    token_prefix = Varchar(length=16, unique=True)
    token_digest = Varchar(length=64, secret=True)
    enrolled_at = Timestamptz(default=now)
    revoked_at = Timestamptz(null=True, default=None)
    last_contact_at = Timestamptz(null=True, default=None)
    silent_since = Timestamptz(null=True, default=None)
    software = Varchar(length=60, default="")
    skew_seconds = DoublePrecision(default=0.0)
    backlog = BigInt(default=0)
    shed = BigInt(default=0)
    rejected = BigInt(default=0)
    version = Integer(default=1)


class CollectorSite(Table, db=DB, tablename="collector_sites"):
    """Which collector asks for a site; at most one does."""

    id = UUID(primary_key=True, default=new_id)
    collector = ForeignKey(Collector, null=False, on_delete=OnDelete.cascade)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.cascade, unique=True)


class CollectorOrder(Table, db=DB, tablename="collector_orders"):
    """Something a collector shall do once before a deadline, and what came of it."""

    id = UUID(primary_key=True, default=new_id)
    collector = ForeignKey(Collector, null=False, on_delete=OnDelete.cascade)
    kind = Varchar(length=20)
    payload = JSONB(default="{}")
    created_at = Timestamptz(default=now)
    deadline = Timestamptz()
    done_at = Timestamptz(null=True, default=None)
    done = Boolean(null=True, default=None)
    result = JSONB(null=True, default=None)


class Target(Table, db=DB, tablename="targets"):
    """An asset, link or application of a site, or something else there, that is being asked in one way.

    An asset or link may be asked in several; the worst speaks for it (see worst.py).
    `parent` is what it stands behind, `options` what its method is told (see probing.options). `credential` was chosen
    by people; without one those of its place are tried. `heartbeat_digest` is of the secret that it calls with.
    """

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.cascade)
    link = ForeignKey(Link, null=True, default=None, on_delete=OnDelete.cascade)
    application = ForeignKey(Application, null=True, default=None, on_delete=OnDelete.cascade)
    parent: ForeignKey[Any] = ForeignKey("self", null=True, default=None, on_delete=OnDelete.set_null)
    credential = ForeignKey(Credential, null=True, default=None, on_delete=OnDelete.restrict)
    name = Varchar(length=120)
    method = Varchar(length=10)
    address = Varchar(length=80)
    port = Integer()
    profile = Varchar(length=60, default="")
    options = JSONB(default="{}")
    heartbeat_digest = Varchar(length=64, null=True, default=None, unique=True, secret=True)
    interval_seconds = Integer(default=60)
    confirm = SmallInt(default=2)
    enabled = Boolean(default=True)
    created_at = Timestamptz(default=now)
    version = Integer(default=1)


class DeviceState(Table, db=DB, tablename="device_states"):
    """How one target is: its condition with reason and cause, its newest readings, its raw counters.

    `silence_at` is the next moment at which time alone changes it (unknown after silence, calm); `step` is the memory
    that `conditions.step` needs (streaks, flap score). No foreign key: it is rewritten at each poll.
    """

    target = UUID(primary_key=True)
    condition = Varchar(length=12, default="unknown")
    since = Timestamptz(null=True, default=None)
    reason = Text(default="")  # phrases, see assets.phrases
    severity = Varchar(length=10, default="")
    cause = UUID(null=True, default=None)
    flapping = Boolean(default=False)
    observed_at = Timestamptz(null=True, default=None)
    silence_at = Timestamptz(null=True, default=None)
    credential = UUID(null=True, default=None)  # the one that it has answered to
    level_min = SmallInt(default=0)  # it is asked at no lower level, see probing.trying
    next_seconds = DoublePrecision(null=True, default=None)  # its pace, when its line's budget slows it down
    outcome = Varchar(length=20, default="")
    detail = Varchar(length=255, default="")
    latency_ms = DoublePrecision(null=True, default=None)
    step = JSONB(default="{}")
    identity = JSONB(null=True, default=None)
    readings = JSONB(default="[]")
    counters = JSONB(default="{}")
    uptime_seconds = DoublePrecision(null=True, default=None)


class ConditionChange(Table, db=DB, tablename="condition_changes"):
    """One change of a target's condition: history, and the cause of incidents."""

    id = UUID(primary_key=True, default=new_id)
    target = UUID(index=True)
    site = UUID(index=True)
    at = Timestamptz(index=True)
    before = Varchar(length=12)
    after = Varchar(length=12)
    reason = Text(default="")
    cause = UUID(null=True, default=None)


class ReadingSet(Table, db=DB, tablename="reading_sets"):
    """A target's ordered (reading, instance) list; rows of `readings` carry its id and an array in its order."""

    id = Serial(primary_key=True)
    digest = Varchar(length=64, unique=True)
    names = JSONB()


class CollectorBuffer(Table, db=DB, tablename="collector_buffers"):
    """Which numbers of one buffer of a collector have been taken, as a multirange: repeats vanish against it.

    The column `taken int8multirange` is added in a raw migration.
    """

    id = UUID(primary_key=True, default=new_id)
    collector = ForeignKey(Collector, null=False, on_delete=OnDelete.cascade)
    buffer = UUID()
    first_seen_at = Timestamptz(default=now)
    last_seen_at = Timestamptz(default=now)
    collector_buffers_collector_buffer_uq = Unique([collector, buffer])


class Declaration(Table, db=DB, tablename="declarations"):
    """What a person at the site said, dated: `broken` or `works` of an asset or capability, `paper_mode` of a site.

    `fault` is the code of what is broken when it was chosen from pictures, `incident` what follows from it.
    """

    id = UUID(primary_key=True, default=new_id)
    site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    asset = ForeignKey(Asset, null=True, default=None, on_delete=OnDelete.cascade)
    link = ForeignKey(Link, null=True, default=None, on_delete=OnDelete.cascade)
    capability = ForeignKey(Capability, null=True, default=None, on_delete=OnDelete.cascade)
    kind = Varchar(length=20)
    fault = Varchar(length=40, default="")
    text = Text(default="")
    incident = UUID(null=True, default=None)
    files_counted = Integer(null=True, default=None)
    said_by = UUID(null=True, default=None)
    said_by_name = Varchar(length=120, default="")
    said_at = Timestamptz(default=now)
    ended_at = Timestamptz(null=True, default=None)
