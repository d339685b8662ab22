"""The process that speaks through Apprise; `notify` starts it, feeds it and kills it when it hangs.

A process of its own, because a thread cannot be stopped: an endpoint that answers one byte a second holds a send for
as long as it likes. Here whatever a plugin connects to is checked at the socket, after names were resolved, so that
neither a redirect nor a changed DNS answer leads inside. It reads one JSON object a line from stdin and answers on
stdout in any order; it ends with its stdin, and with it every send that still hangs.

    → {"id": 1, "act": "send" or "check", "url": …, "title": …, "body": …, "key": …}
    ← {"id": 1, "ok": true}  or  {"id": 1, "ok": false, "reason": …, "retry": true, "unsure": false}
"""

import dataclasses
import ipaddress
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import apprise
from apprise.plugins.email.base import NotifyEmail

from assets.notifications.addresses import Network, is_internal

KEY_HEADER = "X-Assets-Key"
READY = {"id": 0, "ok": True}
LOG_LINES_MAX = 50
_RETRYABLE = frozenset({408, 425, 429})
_HTTP = re.compile(r"\berror[= ](\d{3})\b")
_SMTP = re.compile(r"\((\d{3}), b['\"]")
_ERRNO = re.compile(r"\[Errno (-?\d+)\] ([A-Za-z ]{1,60})")
_BEFORE_ANYTHING_WAS_SAID = frozenset({"-2", "-3", "-5", "13", "101", "110", "111", "113"})
_MESSAGE_ID = re.compile(r"^Message-ID:.*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)


class _Heard(threading.local):
    """What happened on this thread during one send."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.refused = False


_heard = _Heard()


def main(arguments: list[str]) -> None:
    """Serve until stdin ends; each argument is an internal network that may be reached all the same."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout = sys.stderr  # a plugin that prints must not garble the answers
    guard([ipaddress.ip_network(text) for text in arguments])
    _listen_to_apprise()
    _keep_message_ids()
    asset = apprise.AppriseAsset(
        app_id="commune-assets", app_desc="", app_url="", http_redirects=False, async_mode=False,
        storage_mode="memory", service_timeout=0, pgp_autogen=False, pem_autogen=False, allow_templates=False,
    )  # fmt: skip
    apprise.Apprise.instantiate("mailto://a:b@example.vn", asset=asset)  # loads the plugins: a second, spent up front
    serve(sys.stdin, answers, asset)
    os._exit(0)  # without waiting for threads that hang


def serve(requests: TextIO, answers: TextIO, asset: apprise.AppriseAsset) -> None:
    """Answer each line on a thread of its own; whoever asks bounds how many there are."""
    lock = threading.Lock()

    def answer(result: dict[str, Any]) -> None:
        with lock:
            answers.write(json.dumps(result) + "\n")
            answers.flush()

    answer(READY)
    for line in requests:
        work = json.loads(line)
        act = check if work["act"] == "check" else send
        threading.Thread(target=lambda a=act, w=work: answer({"id": w["id"], **a(w, asset)}), daemon=True).start()


def check(work: dict[str, Any], asset: apprise.AppriseAsset) -> dict[str, Any]:
    """Whether Apprise can make something of an address; nothing is sent."""
    if apprise.Apprise.instantiate(work["url"], asset=asset) is None:
        return {"ok": False, "reason": "a part of it is missing or malformed", "retry": False, "unsure": False}
    return {"ok": True}


def send(work: dict[str, Any], asset: apprise.AppriseAsset) -> dict[str, Any]:
    """One message through one address; whatever a plugin does wrong becomes an answer."""
    _heard.log, _heard.refused = [], False
    try:
        plugin = apprise.Apprise.instantiate(work["url"], asset=asset)
        if plugin is None:
            return {"ok": False, "reason": "the address is malformed", "retry": False, "unsure": False}
        if isinstance(plugin, NotifyEmail):
            plugin.headers[KEY_HEADER] = work["key"]
            setattr(plugin, "notify_format", apprise.NotifyFormat.TEXT)  # noqa: B010 - declared as the class's choices
        courier = apprise.Apprise(asset=asset)
        courier.add(plugin)
        done = courier.notify(body=work["body"], title=work["title"], body_format=apprise.NotifyFormat.TEXT)
        return {"ok": True} if done else judge(_heard.log, refused=_heard.refused)
    except Exception as error:  # noqa: BLE001 - this is the loop's edge: 150 plugins of other people
        return {"ok": False, "reason": f"the plugin failed: {type(error).__name__}", "retry": True, "unsure": True}


def judge(log: list[str], *, refused: bool) -> dict[str, Any]:
    """Why a send failed, from what Apprise logged, in words that cannot hold a secret: numbers and errno texts."""
    text = "\n".join(log)
    if refused:
        return _failed("it leads to this machine or into an internal network", retry=False)
    if found := _HTTP.search(text):
        status = int(found[1])
        if 300 <= status < 400:
            return _failed(f"it redirects ({status}), which is not followed", retry=False)
        return _failed(f"it answered {status}", retry=status in _RETRYABLE or status >= 500)
    if found := _SMTP.search(text):
        # RFC 5321 §4.2.1: 5xx is permanent. Greylisting answers 4xx.
        return _failed(f"the mail server answered {found[1]}", retry=int(found[1]) < 500)
    if found := _ERRNO.search(text):
        return _failed(
            f"no connection: {found[2].strip()}", retry=True, unsure=found[1] not in _BEFORE_ANYTHING_WAS_SAID
        )
    return _failed("it did not accept the message", retry=True, unsure=True)


def _failed(reason: str, *, retry: bool, unsure: bool = False) -> dict[str, Any]:
    return {"ok": False, "reason": reason, "retry": retry, "unsure": unsure}


def guard(allowed: list[Network]) -> None:
    """From now on this process connects to public addresses only, and to `allowed` ones; there is no way back."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        place = arguments[1]
        if not isinstance(place, tuple) or not place:
            raise _refusal()
        try:
            address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        except ValueError:  # a name: the resolver's numbers come in another event
            raise _refusal() from None
        if is_internal(address) and not any(address in network for network in allowed):
            raise _refusal()

    sys.addaudithook(watch)


def _refusal() -> OSError:
    _heard.refused = True
    return PermissionError(13, "Address not allowed")


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if len(_heard.log) < LOG_LINES_MAX:
            _heard.log.append(record.getMessage()[:500])


def _listen_to_apprise() -> None:
    logger = logging.getLogger("apprise")
    logger.handlers = [_Listener()]
    logger.propagate = False
    logger.setLevel(logging.DEBUG)


def _keep_message_ids() -> None:
    """Make Apprise's mails carry our key in their Message-ID; it draws a new one each time and has no option for it."""
    prepare: Callable[..., Iterator[Any]] = NotifyEmail.prepare_emails

    def keyed(**options: Any) -> Iterator[Any]:
        key = (options.get("headers") or {}).get(KEY_HEADER)
        domain = options["from_addr"][1].rpartition("@")[2]
        for mail in prepare(**options):
            line = f"Message-ID: <{key}@{domain}>"
            yield dataclasses.replace(mail, body=_MESSAGE_ID.sub(line, mail.body, count=1)) if key else mail

    setattr(NotifyEmail, "prepare_emails", staticmethod(keyed))  # noqa: B010 - mypy forbids the plain form


if __name__ == "__main__":
    main(sys.argv[1:])
