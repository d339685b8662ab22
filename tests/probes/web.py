"""Web servers for tests: certificates made on the spot, and a server that says exactly these octets."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PAGE = "<h1>Cổng dịch vụ công</h1>".encode()


def page(status: str = "200 OK", body: bytes = PAGE, *, head: str = "") -> bytes:
    """A whole answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


def says(octets: bytes) -> Handler:
    """A server that reads the question and says this."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(octets)
        await writer.drain()

    return handle


@asynccontextmanager
async def server(
    handle: Handler, *, secure: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A server on a free port."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    listening = await asyncio.start_server(connected, host, 0, ssl=secure)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True)
class Authority:
    """An authority of our own that signs certificates."""

    pem: str
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def make(cls) -> "Authority":
        """A new one."""
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Tỉnh CA")
        built = _built(name, name, key.public_key(), days=3_650).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        ).add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True
        ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)  # fmt: skip
        signed = built.sign(key, hashes.SHA256())
        return cls(signed.public_bytes(serialization.Encoding.PEM).decode(), key, name)

    def context(
        self, folder: Path, *, names: tuple[str, ...] = ("127.0.0.1",), days: float = 90, since: float = -400
    ) -> ssl.SSLContext:
        """A server's context with a certificate for these names that ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in names]
        built = _built(_name(names[0]), self.name, key.public_key(), days=days, since=since).add_extension(
            x509.SubjectAlternativeName(alternatives), critical=False
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
        )  # fmt: skip
        signed = built.sign(self.key, hashes.SHA256())
        pem = folder / f"{names[0]}-{days}.pem"
        pem.write_bytes(
            signed.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _built(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: float, since: float = -400
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    begins = now + datetime.timedelta(days=min(since, days - 1))
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        .serial_number(x509.random_serial_number()).not_valid_before(begins)
        .not_valid_after(now + datetime.timedelta(days=days))
    )  # fmt: skip
