"""Settings of the collector, from the environment; a wrong one stops the start with its name and the reason."""

import ipaddress
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assets.collector.buffer import BYTES_MAX
from assets.collector.uplink import Door, Refused, read_token
from assets.errors import AssetsError
from assets.probing.allowed import Allowed, plain, read_closed, read_networks


class CollectorSettingsWrong(AssetsError):
    """A setting of the collector is wrong."""


def _default_home() -> Path:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/assets")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "assets"


class CollectorSettings(BaseSettings):
    """What is decided at the site. Everything else comes with the assignment."""

    model_config = SettingsConfigDict(env_prefix="ASSETS_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home, description="Directory of data and keys.")
    collector_url: str = Field(description="Web address of the service, such as https://assets.example.vn.")
    collector_token_file: Path = Field(description="File of mode 0600 that holds the collector's token.")
    collector_home: Path | None = Field(
        default=None, description="Directory of the buffer and the kept assignment; default: home/collector."
    )
    collector_ca_file: Path | None = Field(
        default=None, description="Certificates to trust instead of the system's, as PEM."
    )
    collector_buffer_mb: Annotated[int, Field(ge=1, le=1 << 20)] = Field(
        default=BYTES_MAX >> 20, description="Size of the buffer on disk; beyond it the oldest are shed."
    )
    collector_concurrency: Annotated[int, Field(ge=1, le=2_000)] = Field(
        default=256, description="Looks at devices at the same time."
    )
    probe_networks: str = Field(
        default="", description="Networks of its own machine or link that it asks all the same; commas."
    )
    probe_closed: str = Field(
        default="", description="Addresses that it never asks, such as 10.1.2.3 or db.example:5432; commas."
    )
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = Field(
        default="info", description="debug, info, warning or error."
    )
    allow_plain_http: bool = Field(default=False, description="Permit plain http beyond this machine.")

    @field_validator("home", "collector_home", "collector_token_file", "collector_ca_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @field_validator("collector_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        extra = parts.query or parts.fragment or parts.username or parts.path not in ("", "/")
        if parts.scheme not in ("https", "http") or not parts.hostname or extra:
            raise ValueError("it must look like https://assets.example.vn, without a path")
        _ = parts.port  # raises ValueError for what is no port
        return value.rstrip("/")

    @field_validator("collector_token_file")
    @classmethod
    def _secret_file(cls, value: Path) -> Path:
        try:
            mode = stat.S_IMODE(value.stat().st_mode)
            read_token(value)
        except OSError as error:
            raise ValueError(f"cannot read {value}: {error.strerror}") from None
        except Refused as error:
            raise ValueError(error.reason) from None
        by_systemd = value.parent == Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nowhere"))
        if os.name == "posix" and mode & 0o077 and not by_systemd:
            raise ValueError(f"{value} is open to others (mode {mode:o}); it must be 600")
        return value

    @field_validator("collector_ca_file")
    @classmethod
    def _certificates(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=value)
            except (OSError, ssl.SSLError) as error:
                raise ValueError(f"no certificates can be read from {value}: {error}") from None
        return value

    @field_validator("probe_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        read_networks(value)
        return value

    @field_validator("probe_closed")
    @classmethod
    def _closed(cls, value: str) -> str:
        read_closed(value)
        return value

    @model_validator(mode="after")
    def _protected(self) -> Self:
        plain = urlsplit(self.collector_url).scheme == "http"
        if plain and not self.is_loopback and not self.allow_plain_http:
            raise ValueError("collector_url is plain http beyond this machine; use https, or ASSETS_ALLOW_PLAIN_HTTP=1")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether the service runs on this machine."""
        host = urlsplit(self.collector_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def allowed(self) -> Allowed:
        """Where it asks; names of what is closed are looked up now."""
        closed = {
            (plain(str(found[4][0])), port)
            for host, port in read_closed(self.probe_closed) for found in _looked_up(host)
        }  # fmt: skip
        return Allowed(read_networks(self.probe_networks), frozenset(closed))

    @property
    def folder(self) -> Path:
        """Where the collector keeps its files."""
        return self.collector_home or self.home / "collector"

    @property
    def door(self) -> Door:
        """The way to the service."""
        return Door(self.collector_url, self.collector_token_file, self.collector_ca_file, self.is_loopback)


def _looked_up(host: str) -> list[Any]:
    try:
        return list(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except OSError as error:
        raise CollectorSettingsWrong(f"ASSETS_PROBE_CLOSED: {host!r} has no address: {error.strerror}") from None


def load(**given: object) -> CollectorSettings:
    """The settings of this process; options that are None count as not given. Every wrong one is named."""
    try:
        return CollectorSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise CollectorSettingsWrong("; ".join(_said(e["loc"], e["msg"]) for e in error.errors())) from None


def _said(place: tuple[int | str, ...], message: str) -> str:
    name = f"ASSETS_{str(place[0]).upper()}" if place else "ASSETS_COLLECTOR_URL"
    reason = "it is missing" if message == "Field required" else message.removeprefix("Value error, ")
    return f"{name}: {reason}"
