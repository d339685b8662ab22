"""Which channel addresses are accepted, and which machines a message may be sent to.

Named schemes and named options only: Apprise knows 239 schemes, some of which run programs, read files or speak to the
local machine, and options that switch certificate checks off or follow redirects.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

from assets.errors import Invalid

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
URL_MAX = 2_000
WEBHOOK = "https"
_MAIL = frozenset({"from", "to", "cc", "bcc", "name", "reply", "smtp", "mode", "user", "pass"})
_WORKFLOW = frozenset({"id", "sig", "ver", "api-version", "pa", "powerautomate", "route", "routeid", "wrap"})
_NTFY = frozenset({"priority", "mode", "auth", "token", "to", "xtags"})
OPTIONS: dict[str, frozenset[str] | None] = {  # None: the query is the receiver's own
    "mailto": _MAIL, "mailtos": _MAIL, "zalo": frozenset({"to"}), "workflow": _WORKFLOW, "workflows": _WORKFLOW,
    "slack": frozenset({"footer", "timestamp", "blocks"}), "ntfy": _NTFY, "ntfys": _NTFY,
    "gotify": frozenset({"priority"}), "gotifys": frozenset({"priority"}), WEBHOOK: None,
}  # fmt: skip
_FIXED_HOST = frozenset({"zalo", "slack"})  # the plugin knows where to go; what stands in the host's place is a token
_FORBIDDEN = frozenset('\\<>"`{}|^ ')
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in disguise


@dataclass(frozen=True)
class Address:
    """An accepted channel address; `hosts` are the machines that its author chose."""

    scheme: str
    hosts: tuple[str, ...]
    url: str = field(repr=False)


def parse(url: str) -> Address:
    """The address behind `url`; raises Invalid with the reason under the field `url` and never quotes a secret."""
    if not url or len(url) > URL_MAX:
        raise _wrong(f"an address has 1 to {URL_MAX} characters")
    if any(not 0x21 <= ord(char) <= 0x7E or char in _FORBIDDEN for char in url):
        raise _wrong("only printable ASCII without spaces and brackets; write others as %XX")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise _wrong("it cannot be read as an address") from None
    scheme = parts.scheme.lower()
    if scheme not in OPTIONS or not url[len(scheme) :].startswith("://"):
        raise _wrong(f"it must begin with one of {', '.join(f'{name}://' for name in OPTIONS)}")
    _refuse_options(OPTIONS[scheme], parts.query, parts.fragment)
    if scheme == WEBHOOK and not host:
        raise _wrong("it names no host")
    return Address(scheme=scheme, hosts=_hosts(scheme, host, parts.path, parts.query), url=url)


def _hosts(scheme: str, host: str, path: str, query: str) -> tuple[str, ...]:
    relays = [value.strip("[]") for key, value in parse_qsl(query) if key.lower() == "smtp"]
    if scheme in ("mailto", "mailtos") and relays:
        return tuple(relays)  # the host is then only the sender's domain
    ntfy_sh = scheme.startswith("ntfy") and path in ("", "/")  # ntfy://topic means a topic of theirs
    return () if scheme in _FIXED_HOST or ntfy_sh or not host else (host,)


def refuse_internal(addresses: Iterable[str], *, allowed: Iterable[Network]) -> None:
    """Raise Invalid when one of these IP addresses belongs to this machine or an internal network not in `allowed`."""
    networks = tuple(allowed)
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if is_internal(address) and not any(address in network for network in networks):
            raise _wrong("it leads to this machine or into an internal network")


def is_internal(address: IPAddress) -> bool:
    """Whether an address is not a public one (RFC 6890), also when it is wrapped into an IPv6 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_internal(inner)
    return not address.is_global or address.is_multicast or address.is_reserved


def _refuse_options(known: frozenset[str] | None, query: str, fragment: str) -> None:
    if fragment:
        raise _wrong("an address has no part after #")
    if known is None:
        return
    for key, _ in parse_qsl(query, keep_blank_values=True):
        if key.lower() not in known:
            raise _wrong(f"the option {key[:20]!r} is not accepted; accepted are {', '.join(sorted(known))}")


def _wrong(reason: str) -> Invalid:
    return Invalid("The channel's address is not accepted.", fields={"url": reason})
