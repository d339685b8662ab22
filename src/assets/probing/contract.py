"""The contract between collector and service: what is posted, what is answered, what is assigned.

Collectors stand in rooms that nobody visits for months, so this file only ever grows: new fields are optional,
unknown fields are ignored on both sides, and no field changes its meaning. `SCHEMA` rises when a side must know.

    GET  /api/v1/collectors/self/assignment   If-None-Match: "<hash>"  →  200 Assignment, ETag · 304
    POST /api/v1/observations                 Batch  →  200 Answer
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr, ValidationError, field_serializer

from assets.probing.readings import Loose, Method, Result, Text, Traffic

SCHEMA = 1
BATCH_MAX = 500  # observations in one post: about 1 MB of JSON, a few seconds on a 2 Mbit/s line
REJECTED_MAX = BATCH_MAX
PARENTS_MAX = 8
ORDERS_MAX = 50
TARGETS_MAX = 20_000
CANDIDATES_MAX = 8  # credentials of one target
BUDGETS_MAX = 2_000
ORDER_RESULT_MAX = 500  # rows of a walk or hits of a sweep
Sequence = Annotated[int, Field(ge=1, lt=1 << 62)]


class OrderKind(StrEnum):
    """What the service may ask a collector to do beside its rounds."""

    PROBE_NOW = "probe_now"
    WALK = "walk"
    SWEEP = "sweep"
    TRY_CREDENTIAL = "try_credential"


class Order(Loose):
    """One thing to do once, before `deadline`; its result comes back as an observation that names it."""

    id: UUID
    kind: OrderKind
    deadline: AwareDatetime
    target: UUID | None = None
    credential: UUID | None = None
    root: Text = ""  # WALK: the subtree, as a dotted OID
    network: Text = ""  # SWEEP: a CIDR block of at most 256 addresses


class OrderResult(Loose):
    """What an order brought: rows of (OID or address, text)."""

    order: UUID
    done: bool
    rows: Annotated[tuple[tuple[Text, Text], ...], Field(max_length=ORDER_RESULT_MAX)] = ()


class ParentSeen(Loose):
    """What the collector found when it asked a parent again before it reported a target as silent."""

    target: UUID
    alive: bool


class Observation(Result):
    """One poll's readings, or its failure, under the collector's own number.

    `observed_at` is the collector's wall clock. `age_seconds` is the time since then by a clock that nobody can set
    (CLOCK_BOOTTIME), known unless the machine was started again in between: it wins over the wall clock.
    """

    sequence: Sequence
    target: UUID | None  # None only for the result of an order without one
    observed_at: AwareDatetime
    age_seconds: Annotated[float, Field(ge=0, le=400 * 86_400)] | None = None
    parents: Annotated[tuple[ParentSeen, ...], Field(max_length=PARENTS_MAX)] = ()
    order: OrderResult | None = None
    next_seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None  # when it is looked at rarer than assigned


class Batch(Loose):
    """What a collector posts: observations with rising numbers out of one buffer.

    `buffer_id` is drawn when the buffer file is made, so that numbers that start again cannot be taken for repeats.
    `shed` counts observations that the full buffer has dropped since it was made; `traffic` is what talking to the
    service has cost since the last batch that it took.
    """

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA
    buffer_id: UUID
    sent_at: AwareDatetime
    software: Text = ""
    assignment: Text = ""
    backlog: Annotated[int, Field(ge=0)] = 0
    shed: Annotated[int, Field(ge=0)] = 0
    traffic: Traffic | None = None
    observations: Annotated[tuple[Observation, ...], Field(max_length=BATCH_MAX)] = ()


class Envelope(Batch):
    """A batch as it arrives: each observation is read by itself, so that one that is wrong costs only itself."""

    observations: Annotated[tuple[Any, ...], Field(max_length=BATCH_MAX)] = ()

    def read(self) -> "tuple[Batch, tuple[Rejected, ...]]":
        """The batch of what can be read, and what cannot with its reason; one without a number makes it all unreadable."""
        good, bad = [], []
        for raw in self.observations:
            try:
                good.append(Observation.model_validate(raw))
            except ValidationError as error:
                bad.append(Rejected(sequence=_number(raw, error), reason=_said(error)))
        return Batch(**{**self.__dict__, "observations": tuple(good)}), tuple(bad)


def _number(raw: Any, error: ValidationError) -> int:
    number = raw.get("sequence") if isinstance(raw, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number < 1 << 62:
        raise error
    return number


def _said(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


class Rejected(Loose):
    """An observation that the service will never take, and why; the collector logs it once and lets it go."""

    sequence: Sequence
    reason: Text


class AuditHead(Loose):
    """The newest seal of the service's audit trail: whoever keeps it can show later that the trail was cut or rewritten."""

    number: Annotated[int, Field(ge=1)]
    chain: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    sealed_at: AwareDatetime


class Answer(Loose):
    """What the service says to a batch: everything up to `accepted_to` that was in it is settled and may be dropped.

    `assignment` is the hash of what the collector should be doing now; when it differs, the collector fetches.
    """

    accepted_to: Annotated[int, Field(ge=0)]
    rejected: Annotated[tuple[Rejected, ...], Field(max_length=REJECTED_MAX)] = ()
    orders: Annotated[tuple[Order, ...], Field(max_length=ORDERS_MAX)] = ()
    assignment: Text
    received_at: datetime
    skew_seconds: float = 0.0
    audit_head: AuditHead | None = None


class Community(Loose):
    """SNMPv2c: whoever knows the word may read."""

    kind: Literal["v2c"] = "v2c"
    id: UUID
    community: SecretStr

    @field_serializer("community", when_used="json")
    def _open(self, value: SecretStr) -> str:
        return value.get_secret_value()


class User(Loose):
    """SNMPv3 (RFC 3414, 7860, 3826): a user with keys; the level follows from which keys are there."""

    kind: Literal["v3"] = "v3"
    id: UUID
    user: str
    auth: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] | None = None
    auth_key: SecretStr | None = None
    privacy: Literal["des", "aes128", "aes192", "aes256", "aes192c", "aes256c"] | None = (
        None  # …c: as Cisco extends keys
    )
    privacy_key: SecretStr | None = None

    @field_serializer("auth_key", "privacy_key", when_used="json")
    def _open(self, value: SecretStr | None) -> str | None:
        return value.get_secret_value() if value else None


Credential = Annotated[Community | User, Field(discriminator="kind")]


class TargetSpec(Loose):
    """One thing to ask: where, how, how often, and behind what."""

    id: UUID
    name: Text  # for logs and people: the asset tag, link or application
    address: Text
    port: Annotated[int, Field(ge=1, le=65_535)]
    method: Method
    profile: Text = ""  # a name; empty: find out from the device, generic if nothing fits
    credential: UUID | None = None  # chosen by people, or the one that the device has answered to
    candidates: Annotated[tuple[UUID, ...], Field(max_length=CANDIDATES_MAX)] = ()  # to be tried in this order
    level_min: Annotated[int, Field(ge=0, le=3)] = 0  # it has answered at this level and is asked at no lower one
    options: dict[str, Any] = Field(default_factory=dict)  # of its method, see probing.options
    light: bool = False  # only ask whether it is there: the line's budget permits no more
    parents: Annotated[tuple[UUID, ...], Field(max_length=PARENTS_MAX)] = ()  # nearest first
    interval_seconds: Annotated[int, Field(ge=5, le=86_400)] = 60
    timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0
    tries: Annotated[int, Field(ge=1, le=5)] = 2
    recheck_seconds: Annotated[int, Field(ge=1, le=3_600)] = 10  # how soon to look again after a first silence

    def __hash__(self) -> int:
        """By its id: the options of a method cannot be hashed."""
        return hash(self.id)


class Budget(Loose):
    """What looking at these targets may cost the network line over which they are asked."""

    link: UUID
    name: Text
    octets_per_day: Annotated[int, Field(ge=1)]
    posts: bool = False  # what the collector itself posts goes over it too
    targets: Annotated[tuple[UUID, ...], Field(max_length=TARGETS_MAX)] = ()


class Assignment(Loose):
    """Everything a collector needs to work, also without the service; `profiles` maps a name to its TOML."""

    schema_version: Annotated[int, Field(ge=1)] = SCHEMA
    hash: Text
    targets: Annotated[tuple[TargetSpec, ...], Field(max_length=TARGETS_MAX)] = ()
    profiles: dict[str, str] = Field(default_factory=dict)
    profiles_hash: Text = ""
    credentials: tuple[Credential, ...] = ()
    budgets: Annotated[tuple[Budget, ...], Field(max_length=BUDGETS_MAX)] = ()
