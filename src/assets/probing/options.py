"""What a target's method is told beside address and port: typed, with the limits that are usual. Pure.

A collector may be older than the service: `read` leaves out what it does not know.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from assets.probing.readings import Method, Strict

URL_MAX = 500
TEXT_MAX = 200
CA_MAX = 60_000
EXPECTED_MAX = 16
NAME_MAX = 253  # RFC 1035
_STATUS = re.compile(r"[1-5]\d\d(-[1-5]\d\d)?(,[1-5]\d\d(-[1-5]\d\d)?){0,19}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,80}", re.ASCII)
_LABELS = re.compile(r"[A-Za-z0-9_*-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)

Milliseconds = Annotated[float, Field(gt=0, le=600_000)]
Percent = Annotated[float, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=0, le=3_650)]


class PingOptions(Strict):
    """Several echoes: how many, by which way, and from which loss and delay on it counts as bad."""

    packets: Annotated[int, Field(ge=1, le=20)] = 5
    way: Literal["auto", "icmp", "tcp"] = "auto"  # auto: ICMP, or TCP where the collector may not send ICMP
    warning_loss_percent: Percent | None = 20
    critical_loss_percent: Percent | None = 60
    warning_ms: Milliseconds | None = 300
    critical_ms: Milliseconds | None = 1_500
    warning_jitter_ms: Milliseconds | None = None


class TcpOptions(Strict):
    """A port that accepts, and how long that may take."""

    warning_ms: Milliseconds | None = 1_000
    critical_ms: Milliseconds | None = None


class HttpOptions(Strict):
    """A page: what it must answer, within which time, with which certificate.

    `own_ca` holds PEM certificates that count instead of the system's; `redirects` is how many are followed.
    """

    url: Annotated[str, Field(min_length=8, max_length=URL_MAX)]
    status: Annotated[str, Field(max_length=160)] = "200-299"
    text: Annotated[str, Field(max_length=TEXT_MAX)] = ""
    redirects: Annotated[int, Field(ge=0, le=10)] = 5
    same_host: bool = False
    certificate: Literal["system", "own", "unchecked"] = "system"
    own_ca: Annotated[str, Field(max_length=CA_MAX)] = ""
    timeout_seconds: Annotated[float, Field(ge=1, le=30)] = 10
    warning_ms: Milliseconds | None = 4_000
    critical_ms: Milliseconds | None = None
    warning_days: Days | None = 21
    critical_days: Days | None = 7

    @field_validator("url")
    @classmethod
    def _is_a_page(cls, url: str) -> str:
        taken_apart(url)
        return url

    @field_validator("status")
    @classmethod
    def _is_a_list(cls, status: str) -> str:
        status = status.replace(" ", "")
        if not _STATUS.fullmatch(status):
            raise ValueError("a status such as 200, or several such as 200-299,401")
        return status

    @model_validator(mode="after")
    def _has_its_ca(self) -> Self:
        if self.certificate == "own" and "-----BEGIN CERTIFICATE-----" not in self.own_ca:
            raise ValueError("own_ca: the certificate of the own authority, as PEM")
        return self

    def expects(self, status: int) -> bool:
        """Whether this is a status as it should be."""
        for part in self.status.split(","):
            low, _, high = part.partition("-")
            if int(low) <= status <= int(high or low):
                return True
        return False


class DnsOptions(Strict):
    """A name that a server must know; of `expected` each must be among the answers."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
    kind: Literal["A", "AAAA", "CNAME", "MX", "NS", "TXT", "PTR"] = "A"
    expected: Annotated[tuple[Annotated[str, Field(max_length=255)], ...], Field(max_length=EXPECTED_MAX)] = ()
    warning_ms: Milliseconds | None = 500
    critical_ms: Milliseconds | None = None

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not _LABELS.fullmatch(name):
            raise ValueError("a name such as dichvucong.example")
        return name


class HeartbeatOptions(Strict):
    """Something that calls by itself; after the interval and this grace it is late, and late is down."""

    grace_seconds: Annotated[int, Field(ge=5, le=604_800)] = 300


class SnmpOptions(Strict):
    """The device's profile says everything."""


Options = PingOptions | TcpOptions | HttpOptions | DnsOptions | HeartbeatOptions | SnmpOptions
BY_METHOD: Mapping[Method, type[Options]] = {
    Method.SNMP: SnmpOptions,
    Method.PING: PingOptions,
    Method.TCP: TcpOptions,
    Method.HTTP: HttpOptions,
    Method.DNS: DnsOptions,
    Method.HEARTBEAT: HeartbeatOptions,
}


def read(method: Method, given: Mapping[str, Any]) -> Options:
    """The options of a method out of an assignment; ValueError when what is known of them is wrong."""
    model = BY_METHOD[method]
    return model.model_validate({name: value for name, value in given.items() if name in model.model_fields})


def taken_apart(url: str) -> SplitResult:
    """A web address of http or https with a host and without a password; ValueError for any other."""
    if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url) or len(url) > URL_MAX:
        raise ValueError("a web address without spaces")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("a web address that begins with https:// or http://")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ValueError("a web address without a name and a password")
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or parts.port == 0:
        raise ValueError("a web address with a host")
    return parts


def port_of(parts: SplitResult) -> int:
    """The port that a web address means."""
    return parts.port or (443 if parts.scheme == "https" else 80)
