"""What leaves the house, against endpoints that behave badly, and addresses that lead inside."""

import asyncio
import ipaddress
import json
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from assets.errors import Invalid
from assets.notifications.addresses import LOOPBACK, is_internal, parse, refuse_internal
from assets.notifications.notify import BODY_MAX, Failed, Message, Outlet, Sent
from assets.notifications.webhook import wait_of

with warnings.catch_warnings():  # of Apprise's own imports; elsewhere it lives in a process of its own
    warnings.simplefilter("ignore")
    from assets.notifications.sender import judge

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
HELLO = Message("Sự cố: Sơn Hà", "Máy in SHA-IN-01 không trả lời.")
CANARY = "canary-5f1d"
DEADLINE = 1.5
LONGER = 5  # in which another message certainly leaves


class Endpoint:
    """A server that reads one HTTP request and then behaves as told; `requests` lists what it read."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.port = 0

    async def read(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        self.requests.append((head + await reader.readexactly(length)).decode())


Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answers(status: str, *headers: str) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *headers, "content-length: 2", "", "{}"]).encode())
        await writer.drain()

    return behave


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drips(writer: asyncio.StreamWriter) -> None:
    """One byte each 0.2 s, for ever: no single read ever times out."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.2)


@asynccontextmanager
async def endpoint(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    served = Endpoint()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await served.read(reader)
            await behave(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost with its key, its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module")
async def outlet(certificate: Path) -> AsyncIterator[Outlet]:
    """An outlet that may reach this machine, and trusts its certificate."""
    opened = Outlet(allowed=LOOPBACK, tls=ssl.create_default_context(cafile=str(certificate)))
    await opened.check("ntfy://127.0.0.1/topic")  # the child is up before anything is timed
    yield opened
    await opened.close()
    assert not opened.pids


@pytest.fixture(scope="module")
async def strict() -> AsyncIterator[Outlet]:
    """An outlet as the service has it."""
    opened = Outlet()
    yield opened
    await opened.close()


async def timed(send: Awaitable[Sent | Failed]) -> tuple[Sent | Failed, float]:
    started = time.monotonic()
    return await send, time.monotonic() - started


# --- webhooks ---------------------------------------------------------------------------------------------------


async def test_a_webhook_gets_title_body_and_key(outlet: Outlet, server_tls: ssl.SSLContext) -> None:
    async with endpoint(answers("204 No Content"), server_tls) as hook:
        url = f"https://robot:{CANARY}@localhost:{hook.port}/hooks/1?room=2"
        assert await outlet.send(url, HELLO, key="k1") == Sent()
    head, _, body = hook.requests[0].partition("\r\n\r\n")
    assert head.startswith("POST /hooks/1?room=2 HTTP/1.1")
    assert f"host: localhost:{hook.port}" in head.lower()
    assert "idempotency-key: k1" in head.lower()
    assert "authorization: basic" in head.lower()
    assert json.loads(body) == {"key": "k1", "title": HELLO.title, "body": f"{HELLO.body}\n\n#k1"}


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        ("500 Oops", [], Failed("it answered 500", retry=True)),
        ("429 Slow", ["retry-after: 120"], Failed("it answered 429", retry=True, retry_after=timedelta(seconds=120))),
        ("503 Later", ["retry-after: soon"], Failed("it answered 503", retry=True)),
        ("401 Who", [], Failed("it answered 401", retry=False)),
        ("404 Gone", [], Failed("it answered 404", retry=False)),
        ("408 Slow", [], Failed("it answered 408", retry=True)),
    ],
)
async def test_a_webhooks_status_says_whether_to_try_again(
    outlet: Outlet, server_tls: ssl.SSLContext, status: str, headers: list[str], expected: Failed
) -> None:
    async with endpoint(answers(status, *headers), server_tls) as hook:
        assert await outlet.send(f"https://localhost:{hook.port}/{CANARY}", HELLO, key="k1") == expected


@pytest.mark.parametrize("code", ["302 Found", "307 Again"])
async def test_when_a_webhook_redirects_then_nobody_follows(
    outlet: Outlet, server_tls: ssl.SSLContext, code: str
) -> None:
    async with endpoint(answers("200 OK"), server_tls) as inside:
        location = f"location: https://localhost:{inside.port}/secret"
        async with endpoint(answers(code, location), server_tls) as hook:
            outcome = await outlet.send(f"https://localhost:{hook.port}/", HELLO, key="k1")
    assert outcome == Failed(f"it redirects ({code[:3]}), which is not followed", retry=False)
    assert inside.requests == []


@pytest.mark.parametrize("behave", [hangs, drips])
async def test_when_a_webhook_never_ends_then_the_send_does(
    outlet: Outlet, server_tls: ssl.SSLContext, behave: Behaviour
) -> None:
    async with endpoint(behave, server_tls) as hook:
        url = f"https://localhost:{hook.port}/{CANARY}"
        outcome, seconds = await timed(outlet.send(url, HELLO, key="k1", deadline_seconds=DEADLINE))
    assert isinstance(outcome, Failed)
    assert (outcome.retry, outcome.unsure) == (True, True)
    assert CANARY not in outcome.reason
    assert seconds < DEADLINE + 10


async def test_when_a_webhook_answers_endlessly_then_its_body_is_not_read(
    outlet: Outlet, server_tls: ssl.SSLContext
) -> None:
    poured = 0

    async def floods(writer: asyncio.StreamWriter) -> None:
        nonlocal poured
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n")
        for _ in range(200_000_000 // 65_536):
            writer.write(b"x" * 65_536)
            await writer.drain()
            poured += 65_536

    async with endpoint(floods, server_tls) as hook:
        assert await outlet.send(f"https://localhost:{hook.port}/", HELLO, key="k1") == Sent()
    assert poured < 20_000_000  # what buffers on the way hold


async def test_when_a_certificate_is_not_trusted_then_nothing_is_sent(
    server_tls: ssl.SSLContext, outlet: Outlet
) -> None:
    strange = Outlet(allowed=LOOPBACK)
    async with endpoint(answers("200 OK"), server_tls) as hook:
        outcome = await strange.send(f"https://localhost:{hook.port}/", HELLO, key="k1")
    await strange.close()
    assert isinstance(outcome, Failed)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.reason
    assert hook.requests == []


@pytest.mark.parametrize(
    ("field", "wait"),
    [
        (None, None),
        ("90", timedelta(seconds=90)),
        ("-5", None),
        ("Mon, 02 Mar 2026 05:10:00 GMT", timedelta(minutes=10)),
        ("Mon, 02 Mar 2020 05:10:00 GMT", timedelta(0)),
        ("nonsense", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(field: str | None, wait: timedelta | None) -> None:
    assert wait_of(field, now=NOON) == wait


# --- Apprise ----------------------------------------------------------------------------------------------------


async def test_a_message_goes_out_through_apprise_with_its_key(outlet: Outlet) -> None:
    async with endpoint(answers("200 OK")) as hook:
        assert await outlet.send(f"ntfy://127.0.0.1:{hook.port}/duty", HELLO, key="k7") == Sent()
    assert "#k7" in hook.requests[0]


async def test_when_a_body_is_long_then_it_is_cut_and_keeps_its_key(outlet: Outlet) -> None:
    async with endpoint(answers("200 OK")) as hook:
        await outlet.send(f"gotify://127.0.0.1:{hook.port}/Axxxxxxxxxxxxxx", Message("t", "a" * 90_000), key="k8")
    assert "#k8" in hook.requests[0]
    assert len(hook.requests[0]) < BODY_MAX + 1_500


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("500 Oops", Failed("it answered 500", retry=True)),
        ("429 Slow", Failed("it answered 429", retry=True)),
        ("403 No", Failed("it answered 403", retry=False)),
    ],
)
async def test_apprises_log_says_whether_to_try_again(outlet: Outlet, status: str, expected: Failed) -> None:
    async with endpoint(answers(status)) as hook:
        assert await outlet.send(f"gotify://127.0.0.1:{hook.port}/Axxxxxxxxxxxxxx", HELLO, key="k1") == expected


async def test_when_apprise_is_redirected_then_it_does_not_follow(outlet: Outlet) -> None:
    async with endpoint(answers("200 OK")) as inside:
        location = f"location: http://127.0.0.1:{inside.port}/secret"
        for code in ("302 Found", "307 Again"):
            async with endpoint(answers(code, location)) as hook:
                outcome = await outlet.send(f"ntfy://127.0.0.1:{hook.port}/duty", HELLO, key="k1")
            assert outcome == Failed(f"it redirects ({code[:3]}), which is not followed", retry=False)
    assert inside.requests == []


async def test_when_an_endpoint_drips_for_ever_then_its_process_is_replaced_and_others_go_on(outlet: Outlet) -> None:
    (before,) = outlet.pids
    async with endpoint(drips) as bad, endpoint(answers("200 OK")) as good:
        dripping = [
            asyncio.create_task(
                timed(outlet.send(f"ntfy://127.0.0.1:{bad.port}/{CANARY}", HELLO, key=f"d{n}", deadline_seconds=LONGER))
            )
            for n in range(5)
        ]  # fmt: skip
        while not bad.requests:
            await asyncio.sleep(0.02)
        assert await outlet.send(f"ntfy://127.0.0.1:{good.port}/duty", HELLO, key="g1") == Sent()
        assert not any(sending.done() for sending in dripping), "it waited for the others"
        for outcome, seconds in await asyncio.gather(*dripping):
            assert outcome == Failed(f"no answer within {LONGER} s", retry=True, unsure=True)
            assert seconds < LONGER + 10  # it would drip for ever
        assert before not in outlet.pids
        assert not Path(f"/proc/{before}").exists(), "killed, and its threads with it"
        assert await outlet.send(f"ntfy://127.0.0.1:{good.port}/duty", HELLO, key="g2") == Sent()
    assert len(outlet.pids) == 1


async def test_when_the_sending_process_dies_then_the_send_fails_and_the_next_has_a_new_one(outlet: Outlet) -> None:
    await outlet.check("ntfy://127.0.0.1/topic")
    assert outlet._child is not None
    assert outlet._child._process is not None
    async with endpoint(hangs) as bad:
        sending = asyncio.create_task(outlet.send(f"ntfy://127.0.0.1:{bad.port}/duty", HELLO, key="k1"))
        while not bad.requests:
            await asyncio.sleep(0.02)
        outlet._child._process.kill()
        assert await sending == Failed("the sending process ended", retry=True, unsure=True)
    async with endpoint(answers("200 OK")) as good:
        assert await outlet.send(f"ntfy://127.0.0.1:{good.port}/duty", HELLO, key="k2") == Sent()


@pytest.mark.parametrize(
    ("log", "reason", "retry", "unsure"),
    [
        ("Failed to send: Unauthorized - , error=401.", "it answered 401", False, False),
        ("Socket Exception: (535, b'authentication failed')", "the mail server answered 535", False, False),
        ("Socket Exception: (451, b'greylisted')", "the mail server answered 451", True, False),
        ("Socket Exception: [Errno 111] Connection refused", "no connection: Connection refused", True, False),
        (
            "Socket Exception: [Errno 104] Connection reset by peer",
            "no connection: Connection reset by peer",
            True,
            True,
        ),
        (f"password={CANARY}", "it did not accept the message", True, True),
    ],
)
def test_a_reason_is_made_of_numbers_and_errno_texts_only(log: str, reason: str, retry: bool, unsure: bool) -> None:
    assert judge([log], refused=False) == {"ok": False, "reason": reason, "retry": retry, "unsure": unsure}


# --- addresses --------------------------------------------------------------------------------------------------

REFUSED = [
    "", "mailto", "http://hooks.example.vn/x", "json://hooks.example.vn", "jsons://hooks.example.vn", "xml://a.vn",
    "apprise://a.vn/token", "syslog://", "rsyslog://a.vn", "dbus://", "windows://", "tgram://123:abc/1", "file:///etc/passwd",
    "schan://a", "mqtt://a.vn/t", "ntfys://a.vn/t?redirect=yes", "ntfys://a.vn/t?verify=no", "ntfys://a.vn/t?rto=900",
    "ntfys://a.vn/t?cto=900", "ntfys://a.vn/t?retry=9", "ntfys://a.vn/t?wait=9", "ntfys://a.vn/t?overflow=split",
    "ntfys://a.vn/t?%2BX=1", "ntfys://a.vn/t?-x=1", "ntfys://a.vn/t?:x=1", "ntfys://a.vn/t?attach=http://10.0.0.1/",
    "slack://T/A/T?template=/etc/passwd", "workflows://a.vn/w/s?template=/etc/passwd", "mailto://a.vn?pgppub=/etc/passwd",
    "mailto://a.vn?wkd=yes", "https://", "https://a.vn/x#y", "https://a.vn\\@10.0.0.1/", "https://a.vn/ x", "https://a.vn/\x00",
    "https://[::1", "ntfys://a.vn/" + "x" * 3_000, "https://phường.vn/x",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_not_allowed_by_name_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(url)
    assert set(caught.value.fields) == {"url"}


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        (
            "mailtos://user:secret@example.vn?smtp=mail.example.vn&from=a@b.vn&to=c@d.vn",
            ("mail.example.vn",),
        ),
        ("mailto://127.0.0.1:2525?from=a@b.vn&to=c@d.vn", ("127.0.0.1",)),
        ("zalo://12345:abc/123", ()),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/", ()),
        ("ntfy://topic", ()),
        ("ntfys://ntfy.example.vn/topic?priority=high", ("ntfy.example.vn",)),
        ("gotifys://g.example.vn/Axxxxxxxxxxxxxx", ("g.example.vn",)),
        ("workflows://w.example.vn:443/workflow/signature", ("w.example.vn",)),
        ("https://hooks.example.vn/x?verify=whatever", ("hooks.example.vn",)),
    ],
)
def test_what_is_allowed_names_the_hosts_that_must_be_looked_at(url: str, hosts: tuple[str, ...]) -> None:
    address = parse(url)
    assert address.hosts == hosts
    assert "secret" not in repr(address)


INTERNAL = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::", "192.0.2.1", "198.18.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_known_in_every_disguise(address: str) -> None:
    assert is_internal(ipaddress.ip_address(address))
    with pytest.raises(Invalid):
        refuse_internal([address], allowed=())


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert not is_internal(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
     "10.0.0.1", "169.254.169.254"],
)  # fmt: skip
@pytest.mark.parametrize(
    "form", ["https://{}/hook", "ntfys://{}/topic", "mailto://mail.example.vn?smtp={}&from=a@b.vn"]
)
async def test_a_host_inside_is_refused_at_save_and_at_send(strict: Outlet, host: str, form: str) -> None:
    url = form.format(host)
    with pytest.raises(Invalid):
        await strict.check(url)
    outcome = await strict.send(url, HELLO, key="k1")
    assert isinstance(outcome, Failed)


async def test_when_a_name_is_checked_and_then_leads_inside_then_the_socket_still_refuses(strict: Outlet) -> None:
    async with endpoint(answers("200 OK")) as inside:
        child = await strict._ready_child()  # past the check of names, as after a changed DNS answer
        url = f"ntfy://localhost:{inside.port}/topic"
        answer = await child.ask({"act": "send", "url": url, "title": "t", "body": "b", "key": "k"})
    assert answer["reason"] == "it leads to this machine or into an internal network"
    assert inside.requests == []


@pytest.mark.parametrize("url", ["slack://nonsense", "mailto://x", "gotifys://a.example.vn"])
async def test_an_address_that_lacks_a_part_is_refused_when_it_is_saved(strict: Outlet, url: str) -> None:
    with pytest.raises(Invalid) as caught:
        await strict.check(url)
    assert "url" in caught.value.fields
