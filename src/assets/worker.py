"""The worker: everything that happens later or again and again, on any number of machines against one database.

To add a job or a schedule, write the function in its feature and add one line to a list here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from assets import clock, jobs
from assets.access import idempotency, sessions
from assets.audit import sealer
from assets.db import EVERYTHING, transaction
from assets.equipment_requests import reminding
from assets.equipment_requests.telling import EquipmentRequestTelling
from assets.errors import Unavailable
from assets.incidents.telling import IncidentTelling
from assets.ingest import Ingest
from assets.inventory.observed import proposals
from assets.inventory.reminders import service as reminders
from assets.inventory.reminders.telling import ReminderTelling
from assets.jobs import Jobs, every
from assets.monitoring import collectors, seen, storage
from assets.notifications import outbox
from assets.notifications import service as notifications
from assets.notifications.notify import Outlet
from assets.notifications.outbox import Send, Subjects
from assets.notifications.service import TRIAL, Trial
from assets.places import changes
from assets.readiness import service as readiness
from assets.settings import Settings
from assets.vault import Vault


class Parts(Protocol):
    """What the process that runs a worker has."""

    @property
    def settings(self) -> Settings:
        """What the administrator decided."""

    @property
    def vault(self) -> Vault:
        """Opens channel addresses."""

    @property
    def ingest(self) -> Ingest:
        """Knows the profiles and how long an incident waits for its cause."""


CHANNELS_SECONDS = 10  # how soon a first channel is noticed
SEALING_SECONDS = 0.5  # what the sealer may still take once the worker stops; the next one goes on where it was


@dataclass(frozen=True)
class Bench:
    """What lies ready for jobs and schedules; tests put their own things here."""

    subjects: Subjects  # by subject kind: who knows what a notification is about
    send: Send
    ingest: Ingest
    keep_readings: timedelta


Entrypoint: TypeAlias = Callable[[Bench, Mapping[str, Any], datetime], Awaitable[object]]
Step: TypeAlias = Callable[[Bench, datetime], Awaitable[object]]


async def work(parts: Parts, dsn: str, stop: asyncio.Event) -> None:
    """Be one worker until `stop` is set, then end within jobs.STOP_SECONDS; needs the database pool to be open."""
    outlet = Outlet(allowed=parts.settings.channel_networks)
    bench = Bench(
        subjects={
            "incident": IncidentTelling(parts.settings.url),
            "equipment_request": EquipmentRequestTelling(parts.settings.url),
            reminders.SUBJECT: ReminderTelling(parts.settings.url),
            TRIAL: Trial(),
        },
        send=outbox.through(parts.vault, outlet),
        ingest=parts.ingest,
        keep_readings=timedelta(days=parts.settings.keep_readings_days),
    )
    sealing = asyncio.create_task(sealer.run(parts.settings.home, stop), name="sealer")
    warming = asyncio.create_task(_warm_up(outlet, stop), name="warming")
    try:
        await build(dsn, bench).run(stop)
    finally:
        await asyncio.wait({sealing}, timeout=SEALING_SECONDS)
        sealing.cancel()
        await asyncio.wait({sealing}, timeout=SEALING_SECONDS)
        warming.cancel()
        await asyncio.wait({warming})
        await outlet.close()


async def _warm_up(outlet: Outlet, stop: asyncio.Event) -> None:
    """Have the sending process ready once there is a channel; until then its memory is better used otherwise."""
    while not stop.is_set():
        with suppress(Unavailable):
            if await notifications.have_channels():
                outlet.warm_up()
                return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), CHANNELS_SECONDS)


async def deliver(bench: Bench, payload: Mapping[str, Any], now: datetime) -> None:
    """Deal with one notification."""
    await outbox.deliver_one(UUID(payload["notification"]), now=now, subjects=bench.subjects, send=bench.send)


async def judge_centres(_: Bench, payload: Mapping[str, Any], now: datetime) -> None:
    """Judge the readiness of some centres, or of all."""
    await readiness.run(payload, now)


async def pass_time(bench: Bench, now: datetime) -> None:
    """Unknown after silence, calm after flapping, silent collectors."""
    await bench.ingest.pass_time(now)


async def sweep_notifications(_: Bench, now: datetime) -> None:
    """Find what a lost job or a dead worker left behind."""
    await outbox.sweep(now)


async def judge_all_centres(_: Bench, now: datetime) -> None:
    """What a lost job missed, and what time alone changes: accounts run out, declarations grow old."""
    await readiness.recompute(None, now)


async def remind(_: Bench, now: datetime) -> None:
    """Tell what runs out, once a day from 07:00 in Viet Nam on."""
    await reminders.remind(now)


async def remind_of_requests(_: Bench, now: datetime) -> None:
    """Tell who has to act of a request that half of the time for it is gone, and that all of it is."""
    await reminding.remind(now)


async def keep_partitions(bench: Bench, now: datetime) -> None:
    """Tomorrow's partitions before tomorrow, and none older than people want to keep."""
    async with transaction(EVERYTHING) as tx:
        await storage.make_partitions(tx, now.date())
        await storage.drop_old(tx, (now - bench.keep_readings).date())


async def note_identities(_: Bench, now: datetime) -> None:
    """What devices say they are, beside what is recorded."""
    await seen.note_identities(now)


async def find_duplicates(_: Bench, now: datetime) -> None:
    """Ask people about records that look like one thing."""
    await proposals.find_duplicates(now)


async def change_units(_: Bench, now: datetime) -> None:
    """Changes of units that were written down ahead take effect on their day."""
    await changes.take_effect(now.astimezone(clock.LOCAL_ZONE).date())


async def tidy(_: Bench, now: datetime) -> None:
    """Throw away what nobody will look at again: the queue's log, ended sessions, old orders, buffers and answers."""
    async with transaction(EVERYTHING) as tx:
        await jobs.tidy(tx, now)
        await sessions.tidy(tx, now)
        await idempotency.tidy(tx, now)
        await collectors.tidy(tx, now)


ENTRYPOINTS: Sequence[tuple[str, Entrypoint]] = [
    (outbox.DELIVER, deliver),
    (readiness.JOB, judge_centres),
]
SCHEDULES: Sequence[tuple[str, str, Step]] = [
    ("monitoring.time", every(5), pass_time),
    ("notifications.sweep", every(30), sweep_notifications),
    ("readiness.all", every(60), judge_all_centres),
    ("reminders.day", every(600), remind),
    ("requests.reminders", every(60), remind_of_requests),
    ("places.units", every(60), change_units),
    ("readings.partitions", every(3_600), keep_partitions),
    ("observed.identities", every(60), note_identities),
    ("observed.duplicates", every(3_600), find_duplicates),
    ("tidy", every(3_600), tidy),
]


def build(
    dsn: str,
    bench: Bench,
    *,
    entrypoints: Sequence[tuple[str, Entrypoint]] = ENTRYPOINTS,
    schedules: Sequence[tuple[str, str, Step]] = SCHEDULES,
) -> Jobs:
    """One worker's jobs and schedules, ready to run."""
    built = Jobs(dsn)
    for name, entrypoint in entrypoints:
        built.entrypoint(name, _entrypoint(entrypoint, bench))
    for name, cron, step in schedules:
        built.schedule(name, cron, _step(step, bench))
    return built


def _entrypoint(entrypoint: Entrypoint, bench: Bench) -> jobs.Handler:
    return lambda payload, now: entrypoint(bench, payload, now)


def _step(step: Step, bench: Bench) -> jobs.Tock:
    return lambda now: step(bench, now)
