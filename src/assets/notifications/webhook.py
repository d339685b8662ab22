"""Plain HTTPS with a JSON body: our own client, because Apprise's follows redirects and hides the status."""

import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from assets.errors import AssetsError

USER_AGENT = "commune-assets"
RETRYABLE = frozenset({408, 425, 429})


class NotDelivered(AssetsError):
    """The receiver did not take the message."""

    def __init__(self, reason: str, *, retry: bool, retry_after: timedelta | None = None, unsure: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry, self.retry_after, self.unsure = reason, retry, retry_after, unsure


@dataclass(frozen=True)
class Webhook:
    """POSTs to one address after another; `tls` knows whom to trust (None: the system's authorities)."""

    tls: ssl.SSLContext | None = None

    async def post(
        self, url: str, payload: dict[str, Any], *, key: str, addresses: Sequence[str], now: datetime, seconds: float
    ) -> None:
        """Deliver `payload`; raises NotDelivered.

        The connection goes to the first of `addresses`, which were checked a moment ago: asking DNS again could give
        another answer. The body of the reply is never read, so its size and pace do not matter. No redirects.
        """
        target = httpx2.URL(url)
        address = ipaddress.ip_address(addresses[0])
        pinned = target.copy_with(host=f"[{address}]" if address.version == 6 else str(address))
        headers = {"host": target.netloc.decode(), "user-agent": USER_AGENT, "idempotency-key": key}
        auth = httpx2.BasicAuth(target.username, target.password) if target.username else None
        try:
            async with (
                httpx2.AsyncClient(
                    verify=self.tls if self.tls is not None else True, trust_env=False, timeout=seconds, auth=auth
                ) as client,
                client.stream(
                    "POST", pinned.copy_with(username="", password=""), json=payload, headers=headers,
                    extensions={"sni_hostname": target.host}, follow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                judge(answer.status_code, answer.headers.get("retry-after"), now=now)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise NotDelivered(f"no connection: {_plain(error)}", retry=True) from None
        except httpx2.HTTPError as error:
            raise NotDelivered(f"the connection broke off: {type(error).__name__}", retry=True, unsure=True) from None


def judge(status: int, retry_after: str | None, *, now: datetime) -> None:
    """Raise NotDelivered unless `status` says that the message was taken; RFC 9110 §15 and §10.2.3 (Retry-After)."""
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotDelivered(f"it redirects ({status}), which is not followed", retry=False)
    retry = status >= 500 or status in RETRYABLE
    raise NotDelivered(f"it answered {status}", retry=retry, retry_after=wait_of(retry_after, now=now))


def wait_of(retry_after: str | None, *, now: datetime) -> timedelta | None:
    """How long a Retry-After field asks to wait: seconds or an HTTP date; None for anything else."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return timedelta(seconds=int(text))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0))


def _plain(error: Exception) -> str:
    # Only the operating system's or OpenSSL's own words, which never hold the address.
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {cause.reason or 'handshake failed'}"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
