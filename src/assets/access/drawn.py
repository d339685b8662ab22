"""Secrets that a machine draws: bearer tokens, session cookies, initial passwords, recovery codes.

256 random bits need no slow hash: of tokens and cookies the SHA-256 is stored. What people type in is shorter, may be
tried a few times only (see `throttle`), and is written without letters that look alike.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # no i, l, o, 0, 1
RECOVERY_CODES = 10


def digest(secret: str) -> str:
    """What is stored of a drawn secret, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Token:
    """A new bearer token `<kind><prefix>.<secret>`: its public prefix, what is stored of its secret, and the whole."""

    prefix: str
    digest: str
    whole: str = field(repr=False)


def token(kind: str) -> Token:
    """A new token; `kind` is what it begins with, such as "ast_"."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    return Token(prefix, digest(secret), f"{kind}{prefix}.{secret}")


def taken_apart(whole: str, kind: str) -> tuple[str, str] | None:
    """The prefix and the secret of a token of this kind; None when it is none."""
    prefix, dot, secret = whole.removeprefix(kind).partition(".")
    return (prefix, secret) if dot and whole.startswith(kind) else None


def fits(stored: str, secret: str) -> bool:
    """Whether this secret is the one whose digest was stored."""
    return hmac.compare_digest(stored, digest(secret))


def cookie() -> str:
    """A session's secret."""
    return secrets.token_urlsafe(32)


def password() -> str:
    """An initial password to be read out and typed in: 79 bits in four groups."""
    return "-".join(_letters(4) for _ in range(4))


def recovery_codes() -> list[str]:
    """Codes for a lost telephone: 74 bits each, so that what is stored of them cannot be tried through."""
    return ["-".join(_letters(5) for _ in range(3)) for _ in range(RECOVERY_CODES)]


def _letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))
