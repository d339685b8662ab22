"""Victims of the kill stories: real processes of the service, ready and with work in flight before they are killed."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import httpx2

from assets.probing.contract import Batch, Observation
from assets.probing.readings import Outcome, Reading

READY_SECONDS = 40


def free_port() -> int:
    """A TCP port that nobody listens on just now, and that the system gives to no connection meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)  # below those of outgoing connections
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class Service:
    """A running `assets serve`."""

    process: asyncio.subprocess.Process
    url: str
    home: Path

    async def kill(self) -> None:
        """SIGKILL; fails when it was dead before or lives on."""
        assert self.process.returncode is None, "the victim was dead already"
        print(f"killing the service, pid {self.process.pid}")
        os.kill(self.process.pid, signal.SIGKILL)
        await asyncio.wait_for(self.process.wait(), 10)
        assert self.process.returncode == -signal.SIGKILL


@asynccontextmanager
async def serving(home: Path, *arguments: str, port: int | None = None, dsn: str = "") -> AsyncIterator[Service]:
    """`assets serve` as a process of its own, until the block ends."""
    port = port or free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSETS_")}
    environment |= {"ASSETS_HOME": str(home), "ASSETS_PORT": str(port), "ASSETS_LOG_LEVEL": "warning"}
    if dsn:
        environment["ASSETS_DATABASE_URL"] = dsn
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "assets", "serve", *arguments, env=environment)
    service = Service(process, f"http://127.0.0.1:{port}", home)
    try:
        await _ready(service)
        yield service
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 15)


async def _ready(service: Service) -> None:
    async with httpx2.AsyncClient() as client:
        for _ in range(READY_SECONDS * 10):
            assert service.process.returncode is None, "the service did not start"
            try:
                if (await client.get(f"{service.url}/health/ready", timeout=2)).status_code == 200:
                    return
            except httpx2.HTTPError:
                await asyncio.sleep(0.1)
    raise AssertionError("the service is not ready in time")


class Poster:
    """A collector that a test plays: one buffer, rising numbers, the same batch again when asked."""

    def __init__(self, url: str, token: str, target: UUID) -> None:
        self.url, self.token, self.target = url, token, target
        self.buffer, self.sequence = uuid4(), 0

    def batch(self, outcome: Outcome = Outcome.ANSWERED) -> Batch:
        """The next look at the target."""
        self.sequence += 1
        seen = Observation(
            sequence=self.sequence, target=self.target, observed_at=datetime.now(UTC), age_seconds=0, outcome=outcome,
            readings=(Reading(name="cpu.load_percent", value=self.sequence % 100),),
        )  # fmt: skip
        return Batch(buffer_id=self.buffer, sent_at=datetime.now(UTC), observations=(seen,))

    async def post(self, batch: Batch, *, url: str = "") -> httpx2.Response:
        """One post; raises httpx2.HTTPError when the service is gone."""
        async with httpx2.AsyncClient(timeout=20) as client:
            return await client.post(
                f"{url or self.url}/api/v1/observations", json=batch.model_dump(mode="json"),
                headers={"Authorization": f"Bearer {self.token}"},
            )  # fmt: skip
