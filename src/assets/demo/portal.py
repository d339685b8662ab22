"""The one-stop system of the demonstration as a web page with TLS, its certificate soon to end.

An authority and a certificate are made with the database and lie in its folder; a thread of the simulator serves them.
"""

import ssl
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PORTAL_NAME = "portal.pem"
ADDRESS = "127.51.250.1"
DAYS = 16  # fewer than three weeks are worth a warning
TITLE = "Hệ thống thông tin giải quyết TTHC (trình diễn)"
READ_SECONDS = 5
_PAGE = f"<!doctype html><html lang=vi><title>{TITLE}</title><h1>{TITLE}</h1></html>".encode()


def make(folder: Path, now: datetime) -> str:
    """Write the server's key and certificate; answers the certificate of the authority, as PEM."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA trình diễn")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mot-cua.tinh.example")])
    root = (
        _begun(issuer, issuer, authority.public_key(), now, days=365)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    shown = (
        _begun(subject, issuer, key.public_key(), now, days=DAYS)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / PORTAL_NAME
    path.touch(mode=0o600)
    path.write_bytes(shown.public_bytes(pem) + secret)
    return root.public_bytes(pem).decode()


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, *, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365 - DAYS))
        .not_valid_after(now + timedelta(days=days))
    )


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_SECONDS
    server_version, sys_version = "demo", ""

    def do_GET(self) -> None:
        """The page, whatever was asked for."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(_PAGE)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the simulator counts what it wants to know."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self) -> tuple[ssl.SSLSocket, tuple[str, int]]:
        """A connection whose handshake waits for its own thread."""
        connection, peer = super().get_request()
        connection.settimeout(READ_SECONDS)
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), peer

    def handle_error(self, *_: object) -> None:
        """Nothing: who goes away in the middle is no event."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        super().__init__((ADDRESS, port), _Handler)


def serve(folder: Path, port: int) -> ThreadingHTTPServer | None:
    """Serve the page from a thread until it is shut down; None where no certificate was made."""
    if not (folder / PORTAL_NAME).exists():
        return None
    server = _Server(port, folder / PORTAL_NAME)
    Thread(target=server.serve_forever, name="portal", daemon=True).start()
    return server
