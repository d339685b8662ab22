"""Asks for one web page: what it answers, how long each step takes, and how good its certificate is.

The other side is hostile until shown otherwise: everything together ends by one deadline, however slowly it drips;
headers, body and unpacked text are bounded; a redirect goes only where the first address may lead. Names are resolved
here and the address is checked before it is connected to, so that a name cannot mean something else a moment later.
"""

import asyncio
import socket
import ssl
import time
import unicodedata
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urljoin

import h11
from cryptography import x509

from assets.probing.allowed import LINK, never, plain
from assets.probing.door import DeviceError, Malformed, NotAsked, Silent
from assets.probing.endings import ending
from assets.probing.options import HttpOptions, port_of, taken_apart
from assets.probing.reach import Resolver, refusing, why
from assets.probing.readings import Outcome, Reading, Result, Traffic
from assets.probing.traffic import RST, SYN, of_connection

HEAD_MAX = 64 * 1024  # octets before the first of the body, 1xx answers included
BODY_MAX = 512 * 1024
UNPACKED_MAX = 1024 * 1024
READ_SIZE = 16 * 1024
AGENT = "commune-assets-probe"
_CERTIFICATE = {"valid": 0, "expired": 1, "not_yet_valid": 2, "wrong_name": 3, "untrusted": 4, "unchecked": 5}
# X509_V_ERR_* of OpenSSL.
_VERIFY = {9: "not_yet_valid", 10: "expired", 62: "wrong_name", 64: "wrong_name"}


@dataclass(slots=True)
class _Seen:
    """What is known so far."""

    connect_ms: float = 0.0
    tls_ms: float | None = None
    first_octet_ms: float = 0.0
    status: int = 0
    redirects: int = 0
    certificate: str = ""
    certificate_days: float | None = None
    certificate_says: str = ""
    text: str = ""
    cut: bool = False
    traffic: Traffic = field(default_factory=Traffic)
    gauge: socket.socket | None = None  # the connection that is open


async def ask(options: HttpOptions, resolver: Resolver, *, now: datetime | None = None) -> Result:
    """One look at a page; raises Silent, Malformed or NotAsked. `now` is for the days of the certificate."""
    seen, started = _Seen(), time.perf_counter()
    try:
        async with asyncio.timeout(options.timeout_seconds):
            await _follow(options, resolver, seen, now or datetime.now(UTC))
    except TimeoutError:
        raise Silent("no_page", seconds=options.timeout_seconds).costing(seen.traffic) from None
    except DeviceError as error:
        raise error.costing(seen.traffic) from None
    took = round((time.perf_counter() - started) * 1_000, 1)
    return Result(
        outcome=Outcome.ANSWERED, **_ending(seen, options), latency_ms=took, readings=_readings(seen, options, took),
        traffic=seen.traffic, truncated=seen.cut,
    )  # fmt: skip


async def _follow(options: HttpOptions, resolver: Resolver, seen: _Seen, now: datetime) -> None:
    here = taken_apart(options.url)
    first_host = here.hostname
    inner = False
    while True:
        host = here.hostname or ""
        try:
            address = await resolver.address(host, port_of(here), page=True)
        finally:
            seen.traffic += resolver.cost_of(host) or Traffic()
        inner = _check(address, here, inner=inner, first=seen.redirects == 0)
        head = await _page(address, here, options, seen, now)
        target = _header(head, b"location")
        if not (300 <= head.status_code < 400 and target and seen.redirects < options.redirects):
            return
        try:
            here = taken_apart(urljoin(here.geturl(), target.decode("latin-1")))
        except ValueError as error:
            raise Malformed("redirect_odd", error=str(error)) from None
        if options.same_host and here.hostname != first_host:
            raise Malformed("redirect_host", host=here.hostname or "")
        seen.redirects += 1


def _check(address: str, here: SplitResult, *, inner: bool, first: bool) -> bool:
    """Whether the address is one of the collector's own machine or network; NotAsked where no page may be asked for.

    The first address is chosen by people and may lead inside; a redirect leads inside only from inside.
    """
    numeric = plain(address)
    if reason := never(numeric) or (LINK if numeric.is_link_local else ""):
        raise NotAsked(reason)
    if numeric.is_loopback and here.hostname != address and here.hostname != "localhost":
        raise NotAsked("name_is_own", host=here.hostname or "")
    inside = numeric.is_private or numeric.is_loopback
    if not first and inside and not inner:
        raise NotAsked("redirect_inside", address=address)
    return inside


async def _page(address: str, here: SplitResult, options: HttpOptions, seen: _Seen, now: datetime) -> h11.Response:
    reader, writer = await _connect(address, here, options, seen, now)
    try:
        return await _exchange(reader, writer, here, seen)
    except (h11.RemoteProtocolError, ssl.SSLError) as error:
        raise Malformed("server_badly", error=str(error)) from None
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        raise Silent("broke", error=why(error)) from None
    finally:
        _hang_up(writer, seen)


async def _connect(
    address: str, here: SplitResult, options: HttpOptions, seen: _Seen, now: datetime
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = port_of(here)
    started = time.perf_counter()
    reader, writer = await _open(address, port, seen)
    seen.connect_ms = (time.perf_counter() - started) * 1_000
    if here.scheme != "https":
        return reader, writer
    checked = options.certificate != "unchecked"
    try:
        try:
            await _secure(writer, here, _context(options.own_ca if options.certificate == "own" else "", checked), seen)
            seen.certificate = "valid" if checked else "unchecked"
        except ssl.SSLCertVerificationError as error:
            seen.certificate = _VERIFY.get(error.verify_code, "untrusted")
            seen.certificate_says = error.verify_message or ""
            _hang_up(writer, seen)
            # It is told as what it is. A second connection, unchecked, tells until when it is valid and whether the
            # page is there; nothing of ours is sent on it.
            reader, writer = await _open(address, port, seen)
            await _secure(writer, here, _context("", False), seen)
        _read_certificate(writer, seen, now)
    except ssl.SSLError as error:
        _hang_up(writer, seen)
        raise Malformed("no_tls", error=str(error.reason or error)) from None
    except (ConnectionError, OSError) as error:
        _hang_up(writer, seen)
        raise Silent("broke_in_tls", error=why(error)) from None
    except BaseException:
        _hang_up(writer, seen)
        raise
    return reader, writer


def _hang_up(writer: asyncio.StreamWriter, seen: _Seen) -> None:
    writer.transport.abort()
    if seen.gauge is not None:
        seen.traffic += of_connection(seen.gauge)
        seen.gauge.close()
        seen.gauge = None


async def _open(address: str, port: int, seen: _Seen) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        reader, writer = await asyncio.open_connection(address, port, limit=READ_SIZE)
        # A second handle on the same connection: a transport whose TLS failed has let go of its own.
        seen.gauge = writer.get_extra_info("socket").dup()
        return reader, writer
    except asyncio.CancelledError:
        seen.traffic += Traffic(sent_octets=SYN, packets=1)
        raise
    except OSError as error:
        seen.traffic += Traffic(sent_octets=SYN, received_octets=RST, packets=2)
        raise refusing(port, error) from None


async def _secure(writer: asyncio.StreamWriter, here: SplitResult, context: ssl.SSLContext, seen: _Seen) -> None:
    started = time.perf_counter()
    await writer.start_tls(context, server_hostname=here.hostname)
    seen.tls_ms = (time.perf_counter() - started) * 1_000


@lru_cache(maxsize=64)
def _context(own_ca: str, checked: bool) -> ssl.SSLContext:
    """Reading the system's certificates takes tens of milliseconds: once for each set of authorities."""
    if not checked:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if own_ca:
        try:
            return ssl.create_default_context(cadata=own_ca)
        except (ssl.SSLError, ValueError) as error:
            raise NotAsked("own_ca", error=str(error)) from None
    return ssl.create_default_context()


def _read_certificate(writer: asyncio.StreamWriter, seen: _Seen, now: datetime) -> None:
    secured: ssl.SSLObject = writer.get_extra_info("ssl_object")
    shown = secured.getpeercert(binary_form=True)
    try:
        ends = x509.load_der_x509_certificate(shown).not_valid_after_utc if shown else None
    except ValueError as error:
        seen.certificate, seen.certificate_says = "untrusted", f"cannot be read: {error}"
        return
    if ends is not None:
        seen.certificate_days = round((ends - now).total_seconds() / 86_400, 1)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, here: SplitResult, seen: _Seen
) -> h11.Response:
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_MAX)
    started = time.perf_counter()
    writer.write(talk.send(_question(here)) or b"")
    writer.write(talk.send(h11.EndOfMessage()) or b"")
    head: h11.Response | None = None
    body, came = bytearray(), 0
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            if head is None and came > HEAD_MAX:
                raise Malformed("headers_endless")
            data = await reader.read(READ_SIZE)
            if not came:
                seen.first_octet_ms = (time.perf_counter() - started) * 1_000
            came += len(data)
            talk.receive_data(data)
        elif isinstance(event, h11.Response):
            head = event
            seen.status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_MAX:
                seen.cut = True
                break
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
            break
    if head is None:
        raise Silent("closed_early")
    seen.text = _text(bytes(body[:BODY_MAX]), _header(head, b"content-encoding"), seen)
    return head


def _question(here: SplitResult) -> h11.Request:
    target = (here.path or "/") + (f"?{here.query}" if here.query else "")
    return h11.Request(
        method="GET",
        target=target.encode("ascii", "xmlcharrefreplace") if target.isascii() else _escaped(target),
        headers=[
            ("Host", here.netloc), ("User-Agent", AGENT), ("Accept", "*/*"), ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ],
    )  # fmt: skip


def _escaped(target: str) -> bytes:
    return b"".join(bytes([octet]) if octet < 0x80 else b"%%%02X" % octet for octet in target.encode())


def _header(head: h11.Response, name: bytes) -> bytes:
    return next((value for key, value in head.headers if key == name), b"")


def _text(body: bytes, encoding: bytes, seen: _Seen) -> str:
    """The page as text; what is packed although we asked for it plain is unpacked, up to a bound."""
    if encoding.lower() in (b"gzip", b"x-gzip", b"deflate"):
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            body = unpacker.decompress(body, UNPACKED_MAX)
        except zlib.error:
            raise Malformed("not_packed") from None
        seen.cut = seen.cut or bool(unpacker.unconsumed_tail)
    return body.decode("utf-8", "replace")


def _ending(seen: _Seen, options: HttpOptions) -> dict[str, Any]:
    unexpected, says = not options.expects(seen.status), seen.certificate_says
    if unexpected and says:
        return ending("status_and_certificate", status=seen.status, error=says)
    if unexpected:
        return ending("page_status", status=seen.status)
    return ending("certificate", error=says) if says else {}


def _readings(seen: _Seen, options: HttpOptions, took: float) -> tuple[Reading, ...]:
    made = [
        Reading(name="http.time_ms", value=took),
        Reading(name="http.connect_ms", value=round(seen.connect_ms, 1)),
        Reading(name="http.first_octet_ms", value=round(seen.first_octet_ms, 1)),
        # The number tells people more than a word does; the word is what limits are about.
        Reading(
            name="http.status", value=seen.status, state="expected" if options.expects(seen.status) else "unexpected",
            label=str(seen.status),
        ),
    ]  # fmt: skip
    if seen.tls_ms is not None:
        made.append(Reading(name="http.tls_ms", value=round(seen.tls_ms, 1)))
        made.append(Reading(name="http.certificate", value=_CERTIFICATE[seen.certificate], state=seen.certificate))
    if seen.certificate_days is not None:
        made.append(Reading(name="http.certificate_days", value=seen.certificate_days))
    if options.text:
        there = unicodedata.normalize("NFC", options.text) in unicodedata.normalize("NFC", seen.text)
        made.append(Reading(name="http.text", value=int(not there), state="found" if there else "missing"))
    if seen.redirects:
        made.append(Reading(name="http.redirects", value=seen.redirects))
    return tuple(made)
