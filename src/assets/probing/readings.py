"""What one look at a target yields: the words that prober, collector and service share."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from assets.text import clean

READINGS_MAX = 2_000  # of one observation; a switch of 500 ports with four readings each fits
COUNTERS_MAX = 2_000
NAME_MAX = 80
PARAMS_MAX = 8
Text = Annotated[str, AfterValidator(clean)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX, pattern=r"^[a-z0-9_.]+$")]
Instance = Annotated[str, Field(max_length=NAME_MAX), AfterValidator(clean)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
COUNTER_MAX = (1 << 64) - 1
Counter = Annotated[int, Field(ge=0, le=COUNTER_MAX)]


class Strict(BaseModel):
    """A value that never changes and knows every one of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Loose(BaseModel):
    """A value from the other side of the wire: unknown keys of a newer version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Method(StrEnum):
    """How a target is asked."""

    SNMP = "snmp"
    PING = "ping"  # several ICMP echoes, or TCP connects where ICMP is not permitted
    TCP = "tcp"
    HTTP = "http"
    DNS = "dns"
    HEARTBEAT = "heartbeat"  # asked by nobody: it calls the service itself


class Outcome(StrEnum):
    """How the asking ended; only SILENT says that the target may be down."""

    ANSWERED = "answered"
    SILENT = "silent"  # nothing came back within the tries
    MALFORMED = "malformed"  # it answers, but not as the protocol wants: alive, and shown as answering badly
    WRONG_CREDENTIAL = "wrong_credential"  # alive, but it refuses us
    NOT_ASKED = "not_asked"  # the collector itself could not ask (no route, no socket): says nothing of the target


class Reading(Loose):
    """One derived value: a rate, a percentage, a temperature, or a state.

    `value` is a number in the profile's unit, or the code of a state; None where the device says "not known".
    `state` is the meaning of a code in our words (`some_remaining`, `on_battery`); `label` is the device's own name
    for the instance ("Black Cartridge", "ether1").
    """

    name: Name
    instance: Instance = ""
    value: Finite | None = None
    state: Name | None = None
    label: Text = ""


_READING_FIELDS = set(Reading.model_fields)
_new, _slots = object.__new__, BaseModel.__dict__
_set_values, _set_fields = _slots["__dict__"].__set__, _slots["__pydantic_fields_set__"].__set__
_set_extra, _set_private = _slots["__pydantic_extra__"].__set__, _slots["__pydantic_private__"].__set__


def reading(name: str, instance: str, value: float | None, state: str | None, label: str) -> Reading:
    """A reading of what was checked already: `model_construct`, which takes five times as long, in fewer steps."""
    made = _new(Reading)
    _set_values(made, {"name": name, "instance": instance, "value": value, "state": state, "label": label})
    _set_fields(made, _READING_FIELDS)
    _set_extra(made, None)
    _set_private(made, None)
    return made


class Identity(Loose):
    """What the device says it is (SNMPv2-MIB system group, ENTITY-MIB, Printer-MIB, HOST-RESOURCES-MIB)."""

    category: Text = ""
    vendor: Text = ""
    model: Text = ""
    serial: Text = ""
    firmware: Text = ""
    sys_object_id: Text = ""
    sys_descr: Text = ""
    sys_name: Text = ""
    sys_location: Text = ""
    profile: Text = ""


class Traffic(Loose):
    """What one look cost the line, with the headers of IP, and of UDP or TCP."""

    sent_octets: Counter = 0
    received_octets: Counter = 0
    packets: Counter = 0

    @property
    def octets(self) -> int:
        """Both ways."""
        return self.sent_octets + self.received_octets

    def __sub__(self, other: "Traffic") -> "Traffic":
        """What this is more than the other; never less than nothing."""
        return Traffic(
            sent_octets=max(0, self.sent_octets - other.sent_octets),
            received_octets=max(0, self.received_octets - other.received_octets),
            packets=max(0, self.packets - other.packets),
        )

    def __add__(self, other: "Traffic") -> "Traffic":
        """Both together, at most what a counter holds: what others say they cost must not end a sum."""
        return traffic(
            min(COUNTER_MAX, self.sent_octets + other.sent_octets),
            min(COUNTER_MAX, self.received_octets + other.received_octets),
            min(COUNTER_MAX, self.packets + other.packets),
        )


_TRAFFIC_FIELDS = set(Traffic.model_fields)


def traffic(sent: int, received: int, packets: int) -> Traffic:
    """What was counted here, like `reading`."""
    made = _new(Traffic)
    _set_values(made, {"sent_octets": sent, "received_octets": received, "packets": packets})
    _set_fields(made, _TRAFFIC_FIELDS)
    _set_extra(made, None)
    _set_private(made, None)
    return made


class Result(Loose):
    """One look at one target.

    `counters` holds raw counters by "name:instance" and never rates; `uptime_seconds` is sysUpTime / 100, which wraps
    after 497 days. `truncated` says that a walk was cut by a guard, so that what is missing proves nothing.
    `detail` says in English how it ended, `code` and `params` say it for any language (see `endings`).
    `credential` is the one that the device answered to or refused, `traffic` what the look cost.
    """

    outcome: Outcome
    detail: Text = ""
    code: Annotated[str, Field(max_length=NAME_MAX)] = ""
    params: Annotated[Mapping[str, int | float | Text], Field(max_length=PARAMS_MAX)] = Field(default={})
    latency_ms: Annotated[float, Field(ge=0, le=3_600_000)] | None = None
    identity: Identity | None = None
    readings: Annotated[tuple[Reading, ...], Field(max_length=READINGS_MAX)] = ()
    counters: Annotated[dict[str, Counter], Field(max_length=COUNTERS_MAX)] = Field(default_factory=dict)
    uptime_seconds: Annotated[float, Field(ge=0, lt=1e12)] | None = None
    truncated: bool = False
    credential: UUID | None = None
    traffic: Traffic | None = None

    @property
    def alive(self) -> bool:
        """Whether the target proved that it is there, however badly it answered."""
        return self.outcome in (Outcome.ANSWERED, Outcome.MALFORMED, Outcome.WRONG_CREDENTIAL)


_RESULT_DEFAULTS = {name: field.get_default() for name, field in Result.model_fields.items()}


def answered(**values: Any) -> Result:
    """A result of what was checked already, like `reading`."""
    made = _new(Result)
    _set_values(made, _RESULT_DEFAULTS | values)
    _set_fields(made, set(values))
    _set_extra(made, None)
    _set_private(made, None)
    return made


class Severity(StrEnum):
    """How much a finding matters; `critical` disturbs people, `warning` is shown."""

    WARNING = "warning"
    CRITICAL = "critical"


class Limit(Strict):
    """When a reading is a finding. Bounds are in the reading's unit; states are our words.

    It counts after `confirm` looks in a row and is over after `clear` good ones in a row.
    """

    reading: Name
    warning_below: float | None = None
    warning_above: float | None = None
    critical_below: float | None = None
    critical_above: float | None = None
    warning_states: tuple[str, ...] = ()
    critical_states: tuple[str, ...] = ()
    message: str  # English source of a translated phrase, such as "toner low"
    confirm: Annotated[int, Field(ge=1, le=10)] = 2
    clear: Annotated[int, Field(ge=1, le=10)] = 2

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        bounds = (self.warning_below, self.warning_above, self.critical_below, self.critical_above)
        if all(b is None for b in bounds) and not self.warning_states and not self.critical_states:
            raise ValueError(f"the limit on {self.reading} has neither a bound nor a state")
        return self
