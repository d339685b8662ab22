"""A mail server for the demo that keeps what it gets on disk and sends nothing on.

    python -m assets.demo.mailsink --dir D [--port N] [--parent PID]

Each mail is one .eml file with what the envelope said in `X-Sink-` headers; `index.jsonl` beside them has a line a
mail, so that `mails()` need not parse thousands of files. The newest 2,000 are kept.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from assets import clock
from assets.demo.lifeline import LOOK_SECONDS, Lifeline

PORT = 16_025
HOST = "127.0.0.1"
FOLDER = "mail"  # below the demo's home
INDEX = "index.jsonl"
KEPT_MAX = 2_000
SWEEP_AFTER = 100  # mails above KEPT_MAX before the oldest are thrown away: not a rewrite for each mail
MAIL_BYTES_MAX = 5_000_000
BODY_MAX = 20_000  # characters of a body in the index; the .eml has all of it


@dataclass(frozen=True, slots=True)
class Mail:
    """One received mail; `to` is who the envelope named, `body` the plain text, or the HTML if there is no plain."""

    id: int
    at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    body: str
    message_id: str


def mails(home: Path) -> list[Mail]:
    """What the sink of a demo home has received, oldest first, the newest 2,000 at most."""
    return read_index(home / FOLDER)


def read_index(folder: Path) -> list[Mail]:
    """The mails of a folder; a last line that is being written is left for the next reader."""
    try:
        content = (folder / INDEX).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = content[: content.rfind("\n") + 1].splitlines()
    return [_from_line(line) for line in whole[-KEPT_MAX:]]


class Sink:
    """Keeps mails in a folder; the aiosmtpd handler."""

    def __init__(self, folder: Path, *, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        # The files are the truth: a line that a killed sink could not write comes back here.
        found = sorted(int(path.stem) for path in folder.glob("*.eml") if path.stem.isdigit())
        self._ids = deque(found)
        self._sweep()
        self._write_index(_parsed(self._path(n)) for n in self._ids)
        self._next = self._ids[-1] + 1 if self._ids else 1

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail_id = self.keep(content, sender=envelope.mail_from or "", to=tuple(envelope.rcpt_tos))
        return f"250 OK kept as {mail_id}"

    def keep(self, content: bytes, *, sender: str, to: Sequence[str]) -> int:
        """Write a mail and its line in the index; the number it has got."""
        number, self._next = self._next, self._next + 1
        head = f"X-Sink-At: {clock.now().isoformat()}\r\nX-Sink-From: {_line(sender)}\r\n"
        head += f"X-Sink-To: {', '.join(map(_line, to))}\r\n"
        beside = self._folder / f".{number}.new"
        beside.write_bytes(head.encode("ascii", "backslashreplace") + content)
        beside.replace(self._path(number))
        self._ids.append(number)
        if len(self._ids) > self._kept_max + SWEEP_AFTER:
            self._sweep()
            kept = set(self._ids)
            self._write_index(mail for mail in read_index(self._folder) if mail.id in kept)
        with (self._folder / INDEX).open("a", encoding="utf-8") as index:
            index.write(_to_line(_parsed(self._path(number))))
        return number

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}.eml"

    def _sweep(self) -> None:
        while len(self._ids) > self._kept_max:
            self._path(self._ids.popleft()).unlink(missing_ok=True)

    def _write_index(self, kept: Iterable[Mail]) -> None:
        beside = self._folder / f".{INDEX}.new"
        beside.write_text("".join(map(_to_line, kept)), encoding="utf-8")
        beside.replace(self._folder / INDEX)


def _line(address: str) -> str:
    """An address that cannot start a header of its own."""
    return "".join(c for c in address if c.isprintable())


def _parsed(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return Mail(
        id=int(path.stem),
        at=datetime.fromisoformat(str(message["X-Sink-At"])),
        sender=str(message["X-Sink-From"] or ""),
        to=tuple(str(message["X-Sink-To"]).split(", ")),
        subject=str(message["Subject"] or ""),
        body=_body(message)[:BODY_MAX],
        message_id=str(message["Message-ID"] or "").strip(),
    )


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, UnicodeError):  # a character set that nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _to_line(mail: Mail) -> str:
    return json.dumps(asdict(mail) | {"at": mail.at.isoformat()}, ensure_ascii=True) + "\n"


def _from_line(line: str) -> Mail:
    fields: dict[str, Any] = json.loads(line)
    at = datetime.fromisoformat(fields.pop("at"))
    return Mail(at=at, to=tuple(fields.pop("to")), **fields)


async def serve(folder: Path, *, port: int, lifeline: Lifeline) -> None:
    """Take mails until a signal comes or the parent is gone; says `ready` when it takes them."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    sink = Sink(folder)
    server = await loop.create_server(lambda: _session(sink), HOST, port)
    print("ready", flush=True)
    while not over.is_set() and not lifeline.cut():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), LOOK_SECONDS)
    server.close()


def _session(sink: Sink) -> SMTP:
    return SMTP(sink, data_size_limit=MAIL_BYTES_MAX, enable_SMTPUTF8=True, hostname="localhost", ident="demo sink")


def main(arguments: Sequence[str] | None = None) -> int:
    """Start and serve; 0 when stopped, 1 with the reason on stderr when it could not start."""
    parser = argparse.ArgumentParser(prog="python -m assets.demo.mailsink", description="Keeps mails on disk.")
    parser.add_argument("--dir", type=Path, required=True, help="folder for the mails")
    parser.add_argument("--port", type=int, default=PORT, help="TCP port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--parent", type=int, help="process to end with (default: whoever started this one)")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(serve(options.dir, port=options.port, lifeline=Lifeline(options.parent)))
    except OSError as error:
        print(f"mail sink: port {options.port}, folder {options.dir}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
