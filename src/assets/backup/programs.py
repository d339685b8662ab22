"""PostgreSQL's own programs for dumping and restoring, run as processes that are told no secret by argument."""

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from assets.backup.archive import CHUNK
from assets.embedded import clients
from assets.errors import AssetsError

NEEDED = ("pg_dump", "pg_restore", "psql")
SAID_MAX = 600
# Servers before 17 do not know it, and pg_restore sets it whichever server it writes for.
NEWER_SETTING = b"SET transaction_timeout = "
PREAMBLE_LINES = 60


class ProgramFailed(AssetsError):
    """One of PostgreSQL's programs could not do its work."""


class Programs:
    """pg_dump, pg_restore and psql for one database."""

    def __init__(self, dsn: str, server: int) -> None:
        self._directory = _directory(server, encrypted="sslmode" in dsn)
        self._dsn, self._environment = _without_password(dsn)

    def dump(self, snapshot: str) -> Iterator[bytes]:
        """The database as `snapshot` sees it, in the custom format."""
        command = ["pg_dump", "--format=custom", f"--snapshot={snapshot}", "--no-password", "--dbname", self._dsn]
        with self._running(command, stdout=subprocess.PIPE) as dumping:
            while chunk := dumping.output.read(CHUNK):
                yield chunk

    def restore(self, dump: Iterable[bytes], *, before: str) -> None:
        """Run `before` and everything in the dump in one transaction: all of it is there at the end, or nothing is."""
        psql = ["psql", "--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        psql += ["--output", os.devnull, "--dbname", self._dsn, "--command", before, "--file", "-"]
        # pg_restore is the inner one: only when it has ended well does psql see the end of its input, and commits.
        with (
            self._running(psql, stdin=subprocess.PIPE) as writing,
            self._running(["pg_restore", "--no-owner", "--file", "-"], subprocess.PIPE, subprocess.PIPE) as reading,
        ):
            threading.Thread(target=_feed, args=(dump, reading.input), daemon=True).start()
            try:
                _carry(reading.output, writing.input)
            except BrokenPipeError:
                raise writing.failed() from None

    @contextmanager
    def _running(
        self, command: list[str], stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
    ) -> "Iterator[_Running]":
        """A program that must end well; killed when the block is left by an error."""
        with subprocess.Popen(  # noqa: S603 - a list, no shell, names of our own
            [str(self._directory / command[0]), *command[1:]],
            stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=self._environment,
        ) as process:  # fmt: skip
            running = _Running(process, command[0])
            try:
                yield running
                if process.stdin:
                    with suppress(BrokenPipeError):  # it ended before; its exit code says how
                        process.stdin.close()
                if process.wait():
                    raise running.failed()
            except BaseException:
                process.kill()
                raise


class _Running:
    """A program at work, whose last words are kept."""

    def __init__(self, process: "subprocess.Popen[bytes]", name: str) -> None:
        self._process, self._name, self._said = process, name, b""
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    @property
    def input(self) -> IO[bytes]:
        assert self._process.stdin
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout
        return self._process.stdout

    def failed(self) -> ProgramFailed:
        """Why it ended, when it has."""
        code = self._process.wait()
        self._listening.join()
        said = self._said.decode(errors="replace").strip()
        return ProgramFailed(f"{self._name} failed ({code}): {said or 'it said nothing'}")

    def _listen(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._said = (self._said + line)[-SAID_MAX:]


def _feed(dump: Iterable[bytes], pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError, ValueError), pipe:  # it ended before, and says why itself
        for chunk in dump:
            pipe.write(chunk)


def _carry(script: IO[bytes], to: IO[bytes]) -> None:
    for _ in range(PREAMBLE_LINES):
        line = script.readline()
        if not line.startswith(NEWER_SETTING):
            to.write(line)
    while chunk := script.read(CHUNK):
        to.write(chunk)


def _directory(server: int, *, encrypted: bool) -> Path:
    """Programs that are not older than the server; the wheel's cannot speak TLS."""
    for directory, version, wheel in clients(NEEDED):
        if version >= server and not (wheel and encrypted):
            return directory
    raise ProgramFailed(
        f"pg_dump, pg_restore and psql of PostgreSQL {server} or newer are needed"
        f"{', with TLS' if encrypted else ''}: install Debian's postgresql-client, or name their directory in "
        "ASSETS_POSTGRES_BIN"
    )


def _without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """The DSN to be shown among the arguments, and an environment with the password, which only we can read."""
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query)
    secret = dict(query).get("password") or unquote(parts.password or "")
    user, _, place = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}@{place}" if user else place
    rest = urlencode([pair for pair in query if pair[0] != "password"], quote_via=quote)  # libpq knows no +
    shown = f"{parts.scheme}://{netloc}{parts.path}{'?' if rest else ''}{rest}"  # also without an authority
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return shown, {**kept, "LC_ALL": "C.UTF-8"} | ({"PGPASSWORD": secret} if secret else {})
