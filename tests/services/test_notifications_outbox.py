"""From an announcement to a message that left, on a real server, with workers that die in the middle."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from assets import clock
from assets.db import EVERYTHING, Connection, transaction
from assets.ids import new_id
from assets.jobs import Jobs
from assets.notifications import outbox
from assets.notifications.addresses import LOOPBACK
from assets.notifications.notify import Failed, Message, Outlet, Sent
from assets.notifications.outbox import LEASE, OVERDUE, Destination, deliver_one, key_of, sweep
from assets.notifications.routing import GIVE_UP_AFTER, SENDS_MAX_PER_CHANNEL, Quiet
from assets.notifications.service import announce
from assets.phrases import Phrase, english
from assets.vault import Vault

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
WAIT = timedelta(seconds=20)
PLAIN = "mailto://127.0.0.1:{port}?from=assets@example.vn&to=on-call@example.vn"


class FakeSubject:
    """Knows about everything; `quiet` is its answer to the last question."""

    def __init__(self) -> None:
        self.quiet: Quiet | None = None
        self.broken = False

    async def why_quiet(self, tx: Connection, subject: UUID, change: str, channel: UUID, now: datetime) -> Quiet | None:
        return self.quiet

    async def compose(
        self, tx: Connection, subject: UUID, change: str, facts: Mapping[str, Any], language: str
    ) -> Message:
        if self.broken:
            raise LookupError("a row that cannot be judged")
        return Message(f"{change} {facts['name']}", f"in {language}")


class FakeSender:
    """A channel whose answers are prepared; `sent` lists what reached it."""

    def __init__(self, *answers: Sent | Failed) -> None:
        self.sent: list[tuple[str, str]] = []
        self.answers = list(answers)

    async def __call__(self, destination: Destination, message: Message, key: str) -> Sent | Failed:
        async with transaction(EVERYTHING) as tx:  # whoever sends finds the row marked and no transaction in the way
            marked = await tx.fetchval(
                "select state from notifications where right(replace(id::text, '-', ''), 16) = $1", key
            )
        assert marked == "sending"
        await asyncio.sleep(0.01)
        answer = self.answers.pop(0) if self.answers else Sent()
        if isinstance(answer, Sent):
            self.sent.append((message.title, key))
        return answer


class House:
    """Channels, announcements and looks into the outbox."""

    def __init__(self) -> None:
        self.subject = FakeSubject()
        self.incident = new_id()

    async def channel(
        self, name: str, *, url: str = "sealed", severity: str = "critical", site: UUID | None = None
    ) -> UUID:
        async with transaction(EVERYTHING) as tx:
            channel = new_id()
            await tx.execute(
                "insert into channels (id, name, url, scheme, language, enabled, last_error, version) "
                "values ($1, $2, $3, 'mailto', 'vi', true, '', 1)", channel, name, url,
            )  # fmt: skip
            await tx.execute(
                "insert into subscriptions (id, channel, site, kinds, severity, version) values ($1, $2, $3, '[]', $4, 1)",
                new_id(), channel, site, severity,
            )  # fmt: skip
        return channel

    async def announce(
        self, change: str, *, at: datetime = NOW, wait: timedelta = timedelta(0), **more: Any
    ) -> list[UUID]:
        async with transaction(EVERYTHING) as tx:
            return await announce(
                tx, subject_kind="thing", subject=self.incident, change=change, kind="device", site=None,
                severity=more.get("severity", "critical"), facts={"name": "SHA-IN-01"}, due_at=at + wait, now=at,
            )  # fmt: skip

    async def deliver(self, send: outbox.Send, *, at: datetime = NOW, which: UUID | None = None) -> bool:
        return await deliver_one(which, now=at, subjects={"thing": self.subject}, send=send)

    async def rows(self) -> list[dict[str, Any]]:
        async with transaction(EVERYTHING) as tx:
            return [dict(row) for row in await tx.fetch("select * from notifications order by created_at, change")]

    async def row(self) -> dict[str, Any]:
        (row,) = await self.rows()
        return row

    async def states(self) -> dict[str, str]:
        return {row["change"]: row["state"] for row in await self.rows()}


@pytest.fixture
async def house(database: str) -> House:
    return House()


async def jobs_waiting() -> int:
    async with transaction(EVERYTHING) as tx:
        return int(await tx.fetchval("select count(*) from pgqueuer"))


# --- announcing -------------------------------------------------------------------------------------------------


async def test_when_something_is_announced_then_each_channel_that_wants_it_has_a_row_and_a_job(house: House) -> None:
    await house.channel("all", severity="info")
    await house.channel("critical only")
    written = await house.announce("opened", severity="warning")
    assert len(written) == len(await house.rows()) == await jobs_waiting() == 1


async def test_when_it_is_announced_again_then_nothing_is_added(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    assert await house.announce("opened") == []
    assert len(await house.rows()) == await jobs_waiting() == 1


async def test_when_the_cause_is_rolled_back_then_neither_row_nor_job_stays(house: House) -> None:
    await house.channel("all")

    async def fail() -> None:
        async with transaction(EVERYTHING):
            await house.announce("opened")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await house.rows() == []
    assert await jobs_waiting() == 0


async def test_when_it_ends_then_those_are_told_who_were_told_that_it_began(house: House) -> None:
    kept = await house.channel("kept")
    await house.announce("opened")
    await house.channel("new")
    async with transaction(EVERYTHING) as tx:
        await tx.execute("delete from subscriptions where channel = $1", kept)
    await house.announce("resolved")
    assert {(row["change"], row["channel"]) for row in await house.rows()} == {("opened", kept), ("resolved", kept)}


# --- delivering -------------------------------------------------------------------------------------------------


async def test_when_it_is_due_then_it_is_sent_once_with_its_key(house: House) -> None:
    await house.channel("all")
    (notification,) = await house.announce("opened", wait=WAIT)
    send = FakeSender()
    assert not await house.deliver(send), "the group waits"
    assert await house.deliver(send, at=NOW + WAIT)
    assert not await house.deliver(send, at=NOW + WAIT)
    assert not await house.deliver(send, at=NOW + WAIT, which=notification)
    assert send.sent == [("opened SHA-IN-01", key_of(notification))]
    row = await house.row()
    assert (row["state"], row["attempts"], row["lease_until"]) == ("sent", 1, None)
    assert row["sent_at"] >= NOW + WAIT


async def test_when_two_workers_look_at_once_then_one_of_them_sends(house: House) -> None:
    await house.channel("all")
    (notification,) = await house.announce("opened")
    send = FakeSender()
    await asyncio.gather(*(asyncio.create_task(house.deliver(send, which=notification)) for _ in range(6)))
    assert len(send.sent) == 1


async def test_when_there_is_a_reason_to_stay_quiet_then_it_is_kept_and_nothing_is_sent(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    house.subject.quiet = Quiet("maintenance", Phrase("planned work: %(title)s", {"title": "thay tổng đài"}))
    send = FakeSender()
    assert await house.deliver(send)
    row = await house.row()
    assert (row["state"], english(row["reason"]), send.sent) == ("suppressed", "planned work: thay tổng đài", [])


async def test_when_the_channel_is_switched_off_then_it_stays_quiet(house: House) -> None:
    channel = await house.channel("all")
    await house.announce("opened")
    async with transaction(EVERYTHING) as tx:
        await tx.execute("update channels set enabled = false where id = $1", channel)
    await house.deliver(FakeSender())
    assert english((await house.row())["reason"]) == "the channel is switched off"


async def test_when_the_channel_fails_then_it_is_tried_later_and_health_is_shown(house: House) -> None:
    await house.channel("all")
    (notification,) = await house.announce("opened")
    send = FakeSender(Failed("it answered 503", retry=True), Sent())
    await house.deliver(send)
    row = await house.row()
    assert (row["state"], row["error"], row["sent_at"]) == ("waiting", "it answered 503", None)
    assert NOW + timedelta(seconds=10) <= row["next_attempt_at"] <= NOW + timedelta(seconds=14)
    assert await _health() == (True, "it answered 503")
    assert not await house.deliver(send, at=NOW + timedelta(seconds=5))
    await house.deliver(send, at=NOW + timedelta(seconds=14))
    assert (await house.states(), send.sent) == ({"opened": "sent"}, [("opened SHA-IN-01", key_of(notification))])
    assert await _health() == (False, "")


async def _health() -> tuple[bool, str]:
    async with transaction(EVERYTHING) as tx:
        row = await tx.fetchrow("select failing_since, last_error from channels")
        return row["failing_since"] is not None, row["last_error"]


async def test_when_the_channel_asks_for_patience_then_it_gets_it(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    await house.deliver(FakeSender(Failed("it answered 429", retry=True, retry_after=timedelta(minutes=40))))
    assert (await house.row())["next_attempt_at"] >= NOW + timedelta(minutes=40)


async def test_when_trying_again_cannot_help_then_it_has_failed_at_once(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    await house.deliver(FakeSender(Failed("it answered 401", retry=False)))
    row = await house.row()
    assert (row["state"], row["error"]) == ("failed", "it answered 401")


@pytest.mark.long
async def test_when_it_fails_for_a_day_then_it_is_given_up(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    send = FakeSender(*[Failed("no connection", retry=True)] * 200)
    now, end = NOW, NOW + GIVE_UP_AFTER + timedelta(minutes=1)
    while (await house.states())["opened"] == "waiting":
        assert now < end
        now = (await house.row())["next_attempt_at"]
        assert await house.deliver(send, at=now)
    assert (await house.states()) == {"opened": "failed"}
    assert 70 < (await house.row())["attempts"] < 120


async def test_when_one_row_cannot_be_judged_then_it_does_not_stop_the_line(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    house.subject.broken = True
    with pytest.raises(LookupError):
        await house.deliver(FakeSender())
    row = await house.row()
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    assert row["next_attempt_at"] > NOW
    assert not await house.deliver(FakeSender()), "the line goes on"


async def test_when_a_channel_hangs_then_few_of_its_messages_are_under_way(house: House) -> None:
    await house.channel("all")
    for _ in range(12):
        house.incident = new_id()
        await house.announce("opened")
    most = under_way = 0
    full = asyncio.Event()

    async def hang(destination: Destination, message: Message, key: str) -> Sent | Failed:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        if under_way >= SENDS_MAX_PER_CHANNEL:
            full.set()
        await asyncio.wait_for(full.wait(), 30)
        await asyncio.sleep(0.2)  # one more would come now
        under_way -= 1
        return Failed("no answer", retry=True, unsure=True)

    rows = [row["id"] for row in await house.rows()]
    await asyncio.gather(*(asyncio.create_task(house.deliver(hang, which=row)) for row in rows))
    assert most == SENDS_MAX_PER_CHANNEL
    assert await house.deliver(hang, at=NOW + timedelta(seconds=14))
    assert {row["state"] for row in await house.rows()} == {"waiting"}


# --- order ------------------------------------------------------------------------------------------------------


async def test_when_it_ends_before_anyone_was_told_then_both_stay_quiet(house: House) -> None:
    await house.channel("all")
    await house.announce("opened", wait=WAIT)
    await house.announce("resolved", at=NOW + timedelta(seconds=5))
    send = FakeSender()
    while await house.deliver(send, at=NOW + timedelta(seconds=5)):
        pass
    assert (await house.states(), send.sent) == ({"opened": "suppressed", "resolved": "suppressed"}, [])
    assert {english(row["reason"]) for row in await house.rows()} == {
        "it was over before anyone had to know", "nobody had been told that it began",
    }  # fmt: skip


async def test_when_its_beginning_was_told_then_so_is_its_end(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    send = FakeSender()
    await house.deliver(send)
    await house.announce("resolved", at=NOW + timedelta(hours=3))
    assert await house.deliver(send, at=NOW + timedelta(hours=3))
    assert [title for title, _ in send.sent] == ["opened SHA-IN-01", "resolved SHA-IN-01"]


async def test_when_its_beginning_is_just_being_sent_then_its_end_waits_for_it(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    opened, may_end = asyncio.Event(), asyncio.Event()

    async def slow(destination: Destination, message: Message, key: str) -> Sent | Failed:
        opened.set()
        await may_end.wait()
        return Sent()

    sending = asyncio.create_task(house.deliver(slow))
    await opened.wait()
    await house.announce("resolved")
    send = FakeSender()
    assert await house.deliver(send)
    assert (await house.states(), send.sent) == ({"opened": "sending", "resolved": "waiting"}, [])
    may_end.set()
    await sending
    assert await house.deliver(send, at=NOW + LEASE)
    assert [title for title, _ in send.sent] == ["resolved SHA-IN-01"]


@pytest.mark.parametrize(
    ("unsure", "told"),
    [(False, []), (True, ["resolved SHA-IN-01"])],
    ids=["it certainly did not arrive", "it may have arrived"],
)
async def test_when_its_beginning_failed_then_its_end_is_told_only_if_it_may_have_arrived(
    house: House, unsure: bool, told: list[str]
) -> None:
    await house.channel("all")
    await house.announce("opened")
    await house.deliver(FakeSender(Failed("no answer within 10 s", retry=True, unsure=unsure)))
    await house.announce("resolved")
    send = FakeSender()
    while await house.deliver(send, at=NOW + timedelta(minutes=1)):
        pass
    assert [title for title, _ in send.sent] == told
    assert (await house.states())["opened"] == "suppressed"


# --- faults -----------------------------------------------------------------------------------------------------


async def test_when_a_job_is_lost_then_the_sweep_finds_its_row(house: House, database: str) -> None:
    await house.channel("all")
    await house.announce("opened", at=clock.now() - OVERDUE)
    async with transaction(EVERYTHING) as tx:
        await tx.execute("delete from pgqueuer")
    assert await sweep(clock.now()) == 1
    assert await sweep(clock.now()) == 0, "once is enough"
    send = FakeSender()
    await _work(house, database, send, until=lambda: bool(send.sent))
    assert await house.states() == {"opened": "sent"}


async def test_when_it_is_not_overdue_then_the_sweep_leaves_it_to_its_job(house: House) -> None:
    await house.channel("all")
    await house.announce("opened")
    assert await sweep(NOW + OVERDUE / 2) == 0


async def _work(
    house: House, database: str, send: outbox.Send, *, until: Callable[[], bool], seconds: float = 40
) -> None:
    async def deliver(payload: Mapping[str, Any], now: datetime) -> None:
        await house.deliver(send, at=now, which=UUID(payload["notification"]))

    worker = Jobs(database, look_seconds=0.3)
    worker.entrypoint(outbox.DELIVER, deliver)
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    deadline = time.monotonic() + seconds
    while not until() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(task, 30)


class Sink:
    """A mail server that keeps what it accepted; while `held`, mails wait for their answer."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.accepted: list[str] = []
        self.held = False
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = envelope.content.decode().replace("\r\n", "\n")
        self.begun.append(mail)
        while self.held:
            await asyncio.sleep(0.02)
        self.accepted.append(mail)
        return "250 kept"

    async def __aenter__(self) -> "Sink":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.held = False
        self._server.close()
        await self._server.wait_closed()


VICTIM = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from assets import db
from assets.jobs import Jobs
from assets.notifications import outbox
from assets.notifications.addresses import LOOPBACK
from assets.notifications.notify import Message, Outlet
from assets.vault import Vault

class Plain:
    async def why_quiet(self, *_): return None
    async def compose(self, tx, subject, change, facts, language): return Message("down", facts["name"])

async def main(dsn, home):
    await db.connect(dsn, pool_max=4)
    outlet = Outlet(allowed=LOOPBACK)
    await outlet.check("ntfy://127.0.0.1/topic")  # its process is up: the deadline of the send is for the send alone
    send = outbox.through(Vault.open(Path(home)), outlet)
    worker = Jobs(dsn, look_seconds=0.3)
    async def deliver(payload, now):
        await outbox.deliver_one(UUID(payload["notification"]), now=now, subjects={"thing": Plain()}, send=send)
    worker.entrypoint(outbox.DELIVER, deliver)
    print("ready", flush=True)
    await worker.run(asyncio.Event())

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def outlet() -> AsyncIterator[Outlet]:
    opened = Outlet(allowed=LOOPBACK)
    yield opened
    await opened.close()


async def test_when_a_worker_is_killed_while_it_sends_then_another_delivers_with_the_same_key(
    house: House, database: str, tmp_path: Any, outlet: Outlet
) -> None:
    outlet.warm_up()
    vault = Vault.open(tmp_path)
    async with Sink() as sink:
        channel = await house.channel("mail")
        async with transaction(EVERYTHING) as tx:
            sealed = vault.seal(PLAIN.format(port=sink.port), bound_to=outbox.place_of(channel))
            await tx.execute("update channels set url = $1", sealed)
        sink.held = True
        started = clock.now()
        (notification,) = await house.announce("opened", at=started)
        children = await _killed_while_sending(house, sink, database, tmp_path)
        await _until(lambda: not any(_lives(child) for child in children))
        sink.held = False

        row = await house.row()
        assert (row["state"], row["attempts"], row["sent_at"]) == ("sending", 1, None), "marked before, not sent"
        send = outbox.through(vault, outlet)
        later = row["lease_until"]
        assert await sweep(later) == 1
        assert not await house.deliver(send, at=later - timedelta(seconds=1), which=notification), (
            "its lease still runs"
        )
        assert await house.deliver(send, at=later)
        row = await house.row()
        assert (row["state"], row["attempts"]) == ("sent", 2)
        keys = {re.search(r"^Message-ID: <(.+)@", mail, re.MULTILINE)[1] for mail in sink.begun}  # type: ignore[index]
        assert keys == {key_of(notification)}
        assert sink.accepted, "at least once"
        assert all(f"#{key_of(notification)}" in mail for mail in sink.accepted)


async def _killed_while_sending(house: House, sink: Sink, database: str, home: Path) -> list[str]:
    """A worker process that takes the one notification there is and dies while the sink holds its mail; its children."""
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, database, str(home), stdout=asyncio.subprocess.PIPE
    )
    print("victim", victim.pid)
    try:
        assert victim.stdout is not None
        assert await asyncio.wait_for(victim.stdout.readline(), 60) == b"ready\n"
        await _until(lambda: len(sink.begun) == 1)
        assert (await house.states(), victim.returncode) == ({"opened": "sending"}, None), "ready, with work in flight"
        children = Path(f"/proc/{victim.pid}/task/{victim.pid}/children").read_text().split()
        assert children, "its sending process"
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        ended = await victim.wait()
        victim._transport.close()  # type: ignore[attr-defined]
    assert ended == -signal.SIGKILL
    return children


def _lives(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def _until(true: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_when_the_worker_ended_in_the_middle_then_the_end_is_told_even_if_the_beginning_is_not_repeated(
    house: House,
) -> None:
    await house.channel("all")
    await house.announce("opened")

    async def die(destination: Destination, message: Message, key: str) -> Sent | Failed:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await house.deliver(die)
    await house.announce("resolved")
    send = FakeSender()
    while await house.deliver(send, at=NOW + LEASE):
        pass
    assert [title for title, _ in send.sent] == ["resolved SHA-IN-01"]
    assert await house.states() == {"opened": "suppressed", "resolved": "sent"}


async def test_when_the_lease_was_lost_then_a_late_failure_changes_nothing_and_a_late_success_counts(
    house: House,
) -> None:
    await house.channel("all")
    (notification,) = await house.announce("opened")

    def overtaken(answer: Sent | Failed) -> Callable[[Destination, Message, str], Awaitable[Sent | Failed]]:
        async def send(destination: Destination, message: Message, key: str) -> Sent | Failed:
            async with transaction(EVERYTHING) as tx:
                await tx.execute("update notifications set lease_until = $1", NOW + LEASE * 9)
            return answer

        return send

    await house.deliver(overtaken(Failed("late", retry=False)), which=notification)
    assert await house.states() == {"opened": "sending"}
    await house.deliver(overtaken(Sent()), at=NOW + LEASE * 9)
    assert await house.states() == {"opened": "sent"}


async def test_when_the_address_cannot_be_unsealed_then_it_fails_without_a_secret_in_sight(
    house: House, tmp_path: Any, outlet: Outlet
) -> None:
    await house.channel("mail", url="v1.somekey.c2VjcmV0LWNhbmFyeQ")
    await house.announce("opened")
    await house.deliver(outbox.through(Vault.open(tmp_path), outlet))
    row = await house.row()
    assert row["state"] == "failed"
    assert "c2VjcmV0" not in json.dumps(row, default=str)
