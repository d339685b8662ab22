"""What the pages show, and what their JSON twins answer: the same values."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from assets.incidents.queries import IncidentRow
from assets.inventory.api import AssetOut
from assets.inventory.attachments.api import AttachmentOut
from assets.inventory.kits.gaps import KitGapOut, NormGapOut
from assets.inventory.observed.api import ObservedOut
from assets.probing.readings import Identity
from assets.readiness.rules import Reason


class View(BaseModel):
    """A value for a page; `at` says when it was read."""

    model_config = ConfigDict(frozen=True)


class Counts(View):
    """How many targets of a centre have each condition."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    unreachable: int = 0
    off_expected: int = 0
    unknown: int = 0


class SilentCollector(View):
    """A collector from which nothing is heard, so that what it asks for is not known."""

    name: str
    last_contact_at: datetime | None
    sites: int


class CentreRow(View):
    """One centre in the overview."""

    code: str
    name: str
    unit: str
    unit_kind: str
    readiness: str
    since: datetime | None
    reasons: list[Reason]
    conditions: Counts
    incidents: int


class ReadinessCounts(View):
    """How many centres have each readiness."""

    unable: int = 0
    limited: int = 0
    unknown: int = 0
    able: int = 0


class Overview(View):
    """The province: the counts of all centres, and those that fit the search, worst first."""

    at: datetime
    counts: ReadinessCounts
    centres: list[CentreRow]
    total: int
    page: int
    pages: int
    q: str
    readiness: list[str]
    incidents: int
    requests: int
    observed_at: datetime | None
    silent: list[SilentCollector]


class AssetRow(View):
    """One asset of a centre with how it is and who says so; `name` may be empty, `model` has its maker.

    `behind` names what cuts it off. `source` is measured (then `method` says how), said (a person, `said_by` at
    `source_at`), register (its physical state in the asset register) or none.
    """

    tag: str
    name: str
    model: str
    category: str
    category_en: str
    serves: str
    room: str
    stage: str
    physical_state: str
    state: str
    since: datetime | None
    reason: str
    source: str
    source_at: datetime | None
    method: str
    said: str
    said_by: str
    said_text: str
    behind: str


class LinkRow(View):
    """A network line of a centre."""

    tag: str
    kind: str
    carrier: str
    circuit_number: str
    bandwidth_mbps: int | None
    is_primary: bool
    hotline: str
    condition: str
    since: datetime | None
    reason: str
    behind: str
    latency_ms: float | None


class CapabilityRow(View):
    """An account or another thing that a centre needs beside machines."""

    kind: str
    title: str
    application: str
    office: str
    holder_post: str
    status: str
    since: date | None
    expires_on: date | None


class RequestRow(View):
    """An equipment request of the centre."""

    number: int
    state: str
    summary: str
    submitted_at: datetime | None
    created_at: datetime


class Fact(View):
    """One of the three facts of readiness: equipment, link or accounts; `other` holds what is none of them."""

    name: str
    readiness: str
    reasons: list[Reason]


class Centre(View):
    """One centre; `incoming` counts the transfers, `incoming_supplies` the shipments of consumables on their way to it."""

    at: datetime
    code: str
    name: str
    kind: str
    unit: str
    unit_kind: str
    address: str
    phone: str
    people: int | None
    readiness: str | None
    since: datetime | None
    facts: list[Fact]
    incidents: list[IncidentRow]
    assets: list[AssetRow]
    links: list[LinkRow]
    capabilities: list[CapabilityRow]
    requests: list[RequestRow]
    incoming: int
    incoming_supplies: int
    kit: list[KitGapOut]
    norms: list[NormGapOut]
    observed_at: datetime | None
    silent: list[SilentCollector]


class Segment(View):
    """A stretch of time in one condition; `unknown` is a gap."""

    condition: str
    start: datetime
    end: datetime
    reason: str = ""


class ReadingRow(View):
    """One reading of the newest look; its unit is in its name, and `part` says what a printer's supply is.

    `part` is cartridge, toner, ink, drum, fuser, transfer, maintenance, tray or other; empty for what is no supply.
    """

    name: str
    instance: str = ""
    value: float | None = None
    state: str | None = None
    label: str = ""
    part: str = ""


class Monitoring(View):
    """How an asset is asked and what came back last."""

    name: str
    method: str
    address: str
    port: int
    profile: str
    interval_seconds: int
    condition: str
    since: datetime | None
    reason: str
    behind: str
    behind_tag: str
    observed_at: datetime | None
    outcome: str
    detail: str
    told: str
    latency_ms: float | None
    uptime_seconds: float | None
    identity: Identity
    readings: list[ReadingRow]
    readings_total: int
    history: list[Segment]


class WayRow(View):
    """One way in which an asset or a line is asked, and how it is by that; `id` is the target's.

    `refused` says why it is not asked although it should be.
    """

    id: UUID
    method: str
    address: str
    port: int
    enabled: bool
    condition: str
    since: datetime | None
    reason: str
    refused: str | None
    observed_at: datetime | None


class DeclarationRow(View):
    """What a person said."""

    kind: str
    text: str
    said_by: str
    said_at: datetime
    ended_at: datetime | None


class TimelineRow(View):
    """One thing that happened to an asset."""

    at: datetime
    kind: str
    by: str
    text: str


class CorrectionRow(View):
    """Who changed which fields of an asset, from what to what, and why."""

    at: datetime
    by: str
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]


class AssetPage(View):
    """One asset; `id` is its subject in the audit trail, `transfer` the number of the one that it is on its way in."""

    at: datetime
    id: UUID
    asset: AssetRow
    manufacturer: str
    model: str
    serial: str
    site: str
    site_name: str
    custodian: str
    original_cost: int | None
    put_into_use: date | None
    warranty_until: date | None
    supplier: str
    funding_source: str
    purchased_on: date | None
    note: str
    borrower: str
    due_back: date | None
    repairer: str
    quotation: int | None
    transfer: int | None
    monitoring: Monitoring | None
    targets: list[WayRow]
    incidents: list[IncidentRow]
    declarations: list[DeclarationRow]
    timeline: list[TimelineRow]
    corrections: list[CorrectionRow]
    names: dict[str, str]
    observed: list[ObservedOut]
    files: list[AttachmentOut]


class AssetThen(View):
    """What the register said of an asset at the end of a day."""

    at: datetime
    day: date
    asset: AssetOut


class CollectorRow(View):
    """A collector as the system page shows it."""

    name: str
    sites: int
    covers_rest: bool
    last_contact_at: datetime | None
    silent_since: datetime | None
    backlog: int
    skew_seconds: float
    shed: int
    rejected: int
    software: str
    revoked: bool


class ChannelRow(View):
    """A channel without its secret address."""

    name: str
    scheme: str
    enabled: bool
    failing_since: datetime | None
    last_error: str


class System(View):
    """How the service itself is."""

    at: datetime
    version: str
    database: str
    database_bytes: int
    targets: int
    conditions: Counts
    observed_at: datetime | None
    jobs_waiting: int
    jobs_running: int
    notifications: dict[str, int]
    oldest_waiting_at: datetime | None
    collectors: list[CollectorRow]
    channels: list[ChannelRow]
