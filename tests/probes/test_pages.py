"""Web pages as they are asked for, from honest servers and from hostile ones."""

import asyncio
import gzip
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assets import causes
from assets.probing import pages
from assets.probing.door import DeviceError, Malformed, NotAsked, Silent
from assets.probing.options import HttpOptions
from assets.probing.reach import Resolver
from assets.probing.readings import Outcome, Result
from tests.probes.web import PAGE, Authority, Handler, page, says, server


async def look(url: str, **options: Any) -> Result:
    resolver = Resolver()
    try:
        return await pages.ask(HttpOptions(url=url, **options), resolver)
    finally:
        resolver.close()


async def asked(handle: Handler, path: str = "/", **options: Any) -> Result:
    async with server(handle) as port:
        return await look(f"http://127.0.0.1:{port}{path}", **options)


def values(result: Result) -> dict[str, Any]:
    return {r.name: r.value if r.state is None else r.state for r in result.readings}


async def test_a_page_tells_status_text_times_and_what_it_cost() -> None:
    heard: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        await asyncio.sleep(0.05)
        writer.write(page())
        await writer.drain()

    found = await asked(handle, "/dịch-vụ?q=1", text="Cổng dịch vụ công")
    assert found.outcome is Outcome.ANSWERED
    told = values(found)
    assert (told["http.status"], told["http.text"]) == ("expected", "found")
    assert 50 <= told["http.first_octet_ms"] <= told["http.time_ms"]
    assert heard[0].startswith(b"GET /d%E1%BB%8Bch-v%E1%BB%A5?q=1 HTTP/1.1\r\n")
    assert found.traffic is not None
    assert len(heard[0]) + len(PAGE) < found.traffic.octets < 3_000
    assert found.traffic.packets >= 8


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        (page("503 Service Unavailable"), {}, {"http.status": "unexpected"}),
        (page("401 Unauthorized"), {"status": "200-299,401"}, {"http.status": "expected"}),
        (page("302 Found", head="Location: /x\r\n"), {"redirects": 0, "status": "302"}, {"http.status": "expected"}),
        (page(), {"text": "khác"}, {"http.text": "missing"}),
        (page(body=gzip.compress(PAGE), head="Content-Encoding: gzip\r\n"), {"text": "Cổng"}, {"http.text": "found"}),
        (b"HTTP/1.0 200 OK\r\n\r\n" + PAGE, {"text": "Cổng"}, {"http.text": "found"}),
    ],
)  # fmt: skip
async def test_what_is_not_as_expected_is_a_finding_and_no_outage(answer: bytes, options: Any, expected: Any) -> None:
    found = await asked(says(answer), **options)
    assert found.outcome is Outcome.ANSWERED
    assert expected.items() <= values(found).items()


async def endless_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: " + b"x" * 1_000 + b"\r\n")
        await writer.drain()


async def endless_hints(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 50)
        await writer.drain()


async def slow_drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for octet in page(body=b"x" * 10_000):
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"y" * 65_536)
        await writer.drain()


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (endless_headers, Malformed), (endless_hints, Malformed), (slow_drip, Silent), (nothing, Silent),
        (hangs_up, Silent), (says(b"SSH-2.0-OpenSSH_9.2\r\n"), Malformed), (says(b"\x00" * 500 + b"\r\n"), Malformed),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nabc"), Malformed),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Malformed),
        (says(page(body=b"no gzip", head="Content-Encoding: gzip\r\n")), Malformed),
        (says(page("302 Found", head="Location: file:///etc/passwd\r\n")), Malformed),
        (says(page("302 Found", head="Location: http://user:word@127.0.0.1/\r\n")), Malformed),
    ],
)  # fmt: skip
async def test_a_hostile_server_ends_in_an_outcome_in_time_and_without_filling_memory(
    handle: Handler, expected: type[DeviceError]
) -> None:
    started = time.monotonic()
    with pytest.raises(expected):
        await asked(handle, timeout_seconds=1)
    assert time.monotonic() - started < 20  # a second, and what others take of the machine


async def test_a_body_without_end_is_cut_and_says_so() -> None:
    found = await asked(endless_body, timeout_seconds=10)
    assert found.outcome is Outcome.ANSWERED
    assert found.truncated
    assert found.traffic is not None
    assert found.traffic.octets < 4_000_000


async def test_a_bomb_is_unpacked_up_to_a_bound_only() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=9)
    assert len(bomb) < pages.BODY_MAX
    started = time.process_time()
    found = await asked(says(page(body=bomb, head="Content-Encoding: gzip\r\n")), text="x")
    assert found.truncated
    assert values(found)["http.text"] == "missing"
    assert time.process_time() - started < 1


async def test_redirects_end_after_as_many_as_are_allowed() -> None:
    visits = []

    async def loop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(page("302 Found", b"", head="Location: /again\r\n"))
        await writer.drain()

    found = await asked(loop, redirects=3)
    assert len(visits) == 4
    assert values(found)["http.status"] == "unexpected"
    assert values(found)["http.redirects"] == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://0.0.0.0/", "http://224.0.0.1/",
        "http://[::ffff:169.254.169.254]/", "http://100.100.100.200/", "http://[fd00:ec2::254]/",
    ],
)  # fmt: skip
async def test_addresses_of_no_page_are_not_asked(url: str) -> None:
    with pytest.raises(NotAsked):
        await look(url, timeout_seconds=1)


async def test_a_redirect_leads_to_another_host_only_if_it_may_and_never_to_metadata() -> None:
    with pytest.raises(NotAsked):
        await asked(says(page("302 Found", head="Location: http://169.254.169.254/\r\n")))
    with pytest.raises(Malformed):
        await asked(says(page("302 Found", head="Location: http://127.0.0.2/\r\n")), same_host=True)


def test_a_page_outside_does_not_lead_inside() -> None:
    outside = pages.taken_apart("http://portal.example/")
    inside = pages.taken_apart("http://10.0.0.1/")
    assert pages._check("203.0.114.5", outside, inner=False, first=True) is False
    with pytest.raises(NotAsked):
        pages._check("10.0.0.1", inside, inner=False, first=False)
    assert pages._check("10.0.0.1", inside, inner=True, first=False)
    with pytest.raises(NotAsked):
        pages._check("127.0.0.1", outside, inner=False, first=True)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make()


async def test_a_good_certificate_of_an_own_authority_tells_its_days(authority: Authority, tmp_path: Path) -> None:
    async with server(says(page()), secure=authority.context(tmp_path, days=30)) as port:
        found = await look(f"https://127.0.0.1:{port}/", certificate="own", own_ca=authority.pem)
        later = await pages.ask(
            HttpOptions(url=f"https://127.0.0.1:{port}/", certificate="own", own_ca=authority.pem), Resolver(),
            now=datetime.now(UTC) + timedelta(days=10),
        )  # fmt: skip
    told = values(found)
    assert told["http.certificate"] == "valid"
    assert 29.8 < told["http.certificate_days"] <= 30
    assert 19.8 < values(later)["http.certificate_days"] <= 20
    assert told["http.tls_ms"] > 0


@pytest.mark.parametrize(
    ("made", "options", "state"),
    [
        ({"days": -1}, {"certificate": "own"}, "expired"),
        ({"days": 90, "since": 5}, {"certificate": "own"}, "not_yet_valid"),
        ({"names": ("other.example",)}, {"certificate": "own"}, "wrong_name"),
        ({"names": ("127.0.0.2",)}, {"certificate": "own"}, "wrong_name"),
        ({}, {"certificate": "system"}, "untrusted"),
        ({"days": -1}, {"certificate": "unchecked"}, "unchecked"),
    ],
)
async def test_a_bad_certificate_is_named_and_the_page_is_looked_at_all_the_same(
    authority: Authority, tmp_path: Path, made: Any, options: Any, state: str
) -> None:
    if options["certificate"] == "own":
        options = options | {"own_ca": authority.pem}
    async with server(says(page()), secure=authority.context(tmp_path, **made)) as port:
        found = await look(f"https://127.0.0.1:{port}/", text="Cổng", **options)
    told = values(found)
    assert told["http.certificate"] == state
    assert (told["http.status"], told["http.text"]) == ("expected", "found")
    assert "http.certificate_days" in told
    assert state == "unchecked" or causes.words(str(found.params["error"])) is not None


async def refused_in_tls(port: int) -> tuple[str, str]:
    """(code, the words for it); whether the alert or the end of the connection comes first is luck."""
    with pytest.raises((Malformed, Silent)) as refused:
        await look(f"https://127.0.0.1:{port}/", timeout_seconds=20)
    phrase = causes.words(str(refused.value.params["error"]))
    assert phrase is not None, refused.value
    return refused.value.code, phrase.text


async def test_what_speaks_no_tls_answers_badly() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(page("400 Bad Request"))
        await writer.drain()

    async with server(plain) as port:
        code, words = await refused_in_tls(port)
    assert "something else than TLS" in words if code == "no_tls" else code == "broke_in_tls"


async def test_a_version_of_tls_that_the_other_side_does_not_take_is_named(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modern, old = authority.context(tmp_path), ssl.create_default_context(cadata=authority.pem)
    modern.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
    monkeypatch.setattr(pages, "_context", lambda own_ca, checked: old)
    async with server(says(page()), secure=modern) as port:
        code, words = await refused_in_tls(port)
    assert "too old" in words if code == "no_tls" else code == "broke_in_tls"


async def test_ipv6_and_a_port_that_refuses(authority: Authority, tmp_path: Path) -> None:
    async with server(says(page()), secure=authority.context(tmp_path, names=("::1",)), host="::1") as port:
        found = await look(f"https://[::1]:{port}/", certificate="own", own_ca=authority.pem)
    assert values(found)["http.certificate"] == "valid"
    with pytest.raises(Silent):
        await look(f"http://[::1]:{port}/")


async def test_many_slow_servers_do_not_hold_up_the_loop() -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before - 0.005)

    async with server(slow_drip) as port:
        watching = asyncio.create_task(watch())
        looks = [look(f"http://127.0.0.1:{port}/", timeout_seconds=3) for _ in range(50)]
        found = await asyncio.gather(*looks, return_exceptions=True)
        watching.cancel()
    assert all(isinstance(one, Silent) for one in found)
    assert longest < 3.0  # another process may have the processor for a while


def test_the_system_knows_its_authorities() -> None:
    assert pages._context("", True).verify_mode is ssl.CERT_REQUIRED
    assert pages._context("", True).check_hostname
