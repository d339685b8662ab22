"""Where a collector asks, and where it never does. Pure.

Offices stand on private networks, so those are as usual as public addresses. What an operator must not reach through a
collector are pages that the collector's own machine shows to itself, what only its link knows (metadata of a cloud
among it), and what was closed by name, such as the database of the service. The agent of the collector's own machine,
its ports and its name server are asked as others are. Names are looked up first: the rule is about the address.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
METADATA = "Nothing is asked at addresses that tell secrets of a machine in a cloud."
NO_HOST = "This is no address of a single device."
CLOSED = "This address is closed to questions by the settings of the collector."
OWN = "Pages of the collector's own machine are looked at only if its settings say so."
LINK = "Addresses that hold on one cable only are asked only if the settings of the collector say so."
REASONS = (METADATA, NO_HOST, CLOSED, OWN, LINK)
_METADATA = frozenset(map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200")))
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052


@dataclass(frozen=True, slots=True)
class Allowed:
    """`networks` are asked although they are the collector's own; `closed` are addresses, with port 0 for every port."""

    networks: tuple[Network, ...] = ()
    closed: frozenset[tuple[Address, int]] = frozenset()

    def why_not(self, text: str, port: int = 0, *, page: bool = False) -> str:
        """Why nothing, or no page, is asked at a numeric address; empty when it may be asked."""
        address = plain(text)
        if reason := never(address):
            return reason
        if (address, 0) in self.closed or (address, port) in self.closed:
            return CLOSED
        if any(address in network for network in self.networks):
            return ""
        if page and address.is_loopback:
            return OWN
        return LINK if address.is_link_local else ""


def plain(text: str) -> Address:
    """The address that is meant: IPv4 also where it is wrapped into IPv6; ValueError for no address."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        return inner or address
    return address


def never(address: Address) -> str:
    """Why an address is asked by no setting; empty when a setting decides."""
    if address in _METADATA:
        return METADATA
    zero = isinstance(address, IPv4Address) and address in IPv4Network("0.0.0.0/8")
    if zero or address.is_multicast or address.is_unspecified or (address.is_reserved and address.version == 4):
        return NO_HOST
    return ""


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks as a setting lists them; ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def read_closed(text: str) -> tuple[tuple[str, int], ...]:
    """(host, port) of addresses as a setting lists them, `10.1.2.3`, `db.example:5432`, `[fd00::1]:5432`."""
    found = []
    for part in filter(None, map(str.strip, text.split(","))):
        host, colon, port = part.rpartition(":")
        if part.startswith("["):
            host, _, port = part[1:].partition("]")
            port = port.removeprefix(":")
        elif not colon or ":" in host:
            host, port = part, ""
        if not host or not (port.isdecimal() or not port) or int(port or 0) > 65_535:
            raise ValueError(f"{part!r} is no address such as 10.1.2.3 or db.example:5432")
        found.append((host, int(port or 0)))
    return tuple(found)
