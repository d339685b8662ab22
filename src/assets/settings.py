"""Settings of the service, from the environment (prefix ASSETS_); a wrong one stops the start with name and reason."""

import ipaddress
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assets.errors import AssetsError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
ATTACHMENT_MB_MAX = 50  # a file is in memory while it is looked at and served
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _parsed(networks: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in networks.split(",") if part.strip())


class WrongSettings(AssetsError):
    """A setting is wrong."""


def default_home() -> Path:
    """Where data lives: `$XDG_DATA_HOME/assets`; for root `/var/lib/assets`, which PostgreSQL's own user can reach."""
    if os.geteuid() == 0:
        return Path("/var/lib/assets")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "assets"


class Settings(BaseSettings):
    """What an administrator decides. `docs/settings.md` lists the same names."""

    model_config = SettingsConfigDict(env_prefix="ASSETS_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default_factory=default_home, description="Directory of data, keys and sockets.")
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL to use; without it the service starts its own, below the home."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=8000, description="Port to listen on.")
    public_url: str = Field(
        default="", description="The web address that people type; decides cookies and the links in messages."
    )
    allow_plain_http: bool = Field(
        default=False, description="Permit plain http beyond loopback (ordinary cookies, a warning)."
    )
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = Field(
        default="info", description="debug, info, warning or error."
    )
    log_json: bool = Field(default=False, description="One JSON object a line instead of text.")
    interval_seconds: Annotated[int, Field(ge=5, le=3_600)] = Field(
        default=60, description="How often a target is asked unless it says otherwise."
    )
    group_wait_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        default=20, description="How long a new incident waits for its cause before it disturbs anyone."
    )
    keep_readings_days: Annotated[int, Field(ge=1, le=400)] = Field(
        default=30, description="Days that single readings are kept."
    )
    pool_max: Annotated[int, Field(ge=4, le=100)] = Field(default=16, description="Database connections at most.")
    allowed_networks: str = Field(
        default="",
        description="Internal networks that channels may reach, such as 10.1.2.0/24 of a mail server; commas.",
    )
    probe_networks: str = Field(
        default="", description="Networks of this machine or its link that its collector asks all the same; commas."
    )
    probe_closed: str = Field(
        default="", description="Addresses that its collector never asks, beside the database's own; commas."
    )
    second_factor: Annotated[str, Field(pattern="^(required|optional)$")] = Field(
        default="required", description="Whether people whose role covers the province must show a second factor."
    )
    trusted_proxies: str = Field(
        default="",
        description="Networks of proxies whose X-Forwarded-For says who calls, such as 10.1.2.3/32; commas.",
    )
    rate_per_minute: Annotated[int, Field(ge=60, le=1_000_000)] = Field(
        default=6_000, description="Calls a minute of one session or token; 429 beyond."
    )
    rate_per_minute_unknown: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        default=600, description="Calls a minute from one address by nobody who is signed in; 429 beyond."
    )
    attachment_mb: Annotated[int, Field(ge=1, le=ATTACHMENT_MB_MAX)] = Field(
        default=10, description="Megabytes of one attached file at most."
    )
    demo: bool = Field(default=False, description="Set by `assets demo` alone: banner, no real channels.")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("it must begin with postgresql:// (no other database is supported)")
        return value

    @field_validator("allowed_networks", "trusted_proxies", "probe_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        _parsed(value)
        return value

    @property
    def channel_networks(self) -> tuple[Network, ...]:
        """Internal networks that messages may be sent to; the demo's mail sink stands on loopback."""
        return _parsed("127.0.0.0/8,::1/128" if self.demo else self.allowed_networks)

    @property
    def asked_networks(self) -> str:
        """As `probe_networks`; the devices of the demo stand on loopback."""
        return "127.0.0.0/8,::1/128" if self.demo else self.probe_networks

    @property
    def closed_addresses(self) -> str:
        """As `probe_closed`, with the database's address where it has one on a network."""
        netloc = urlsplit(self.database_url.get_secret_value()).netloc if self.database_url else ""
        hosts = [unquote(host) for host in netloc.rpartition("@")[2].split(",")]
        named = [host for host in hosts if host and not host.startswith("/")]  # the others are sockets
        ported = [host if re.search(r":\d+$", host) else f"{host}:5432" for host in named]
        return ",".join(filter(None, (self.probe_closed, *ported)))

    @property
    def proxies(self) -> tuple[Network, ...]:
        """Networks of proxies that are believed."""
        return _parsed(self.trusted_proxies)

    @model_validator(mode="after")
    def _public(self) -> "Settings":
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("public_url must look like https://assets.example.vn, without a path")
        if self.host not in LOOPBACK and not self.public_url:
            raise ValueError("public_url is needed when host is not a loopback address")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.allow_plain_http:
            raise ValueError("public_url is plain http beyond this machine; use https or set ASSETS_ALLOW_PLAIN_HTTP=1")
        return self

    @cached_property
    def url(self) -> str:
        """The web address of the service, without a slash at its end."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{shown}:{self.port}").rstrip("/")

    @property
    def asks_second_factor(self) -> bool:
        """Whether people of the province need a second factor to sign in; a demo's accounts are everybody's."""
        return self.second_factor == "required" and not self.demo

    @property
    def secure(self) -> bool:
        """Whether people reach it over https."""
        return self.url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The session cookie's name; `__Host-` only where a browser accepts it."""
        return "__Host-session" if self.secure else "assets_session"

    @property
    def device_cookie(self) -> str:
        """The name of the cookie that knows a browser again."""
        return "__Host-device" if self.secure else "assets_device"


def load(**overrides: object) -> Settings:
    """The settings of this process; raises WrongSettings that names every wrong one with its reason."""
    unknown = sorted(
        name for name in os.environ if name.startswith("ASSETS_") and name.removeprefix("ASSETS_").lower() not in KNOWN
    )
    if unknown:
        raise WrongSettings(f"{unknown[0]}: there is no such setting (see docs/settings.md)")
    if os.environ.get("ASSETS_DATABASE_URL") == "":  # a secret that was not filled in is no wish for an empty house
        raise WrongSettings(
            "ASSETS_DATABASE_URL: it is set to nothing; leave it out for a database of the service's own"
        )
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates them
    except ValidationError as error:
        raise WrongSettings("; ".join(_said(e["loc"], e["msg"]) for e in error.errors())) from None


def _said(place: tuple[int | str, ...], message: str) -> str:
    name = f"ASSETS_{str(place[0]).upper()}" if place else "ASSETS_PUBLIC_URL or ASSETS_HOST"
    return f"{name}: {message.removeprefix('Value error, ')}"


# Settings that other programs of the house read: collector, launcher, tests.
ELSEWHERE = frozenset({
    "collector_url", "collector_token_file", "collector_home", "collector_ca_file", "collector_buffer_mb",
    "postgres_bin", "probes_dir", "dashboards_dir", "v3_auth_key", "v3_privacy_key", "test_database",
    "collector_concurrency",
})  # fmt: skip
KNOWN = frozenset(Settings.model_fields) | ELSEWHERE
