"""Heavy and dangerous work in a short process of its own: it cannot hurt the service, nor make it grow for good.

Such a process is a module of ours with a `main` that calls `limit` first. It knows no settings, no keys and no database:
what it needs comes in by its stdin, what it finds goes out by its stdout or into a file that it is given. It lives no
longer than the block that started it, and not a moment longer than the service.
"""

import ctypes
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # the processes themselves wait for nothing, and are small without it
    import asyncio

_Stream = IO[bytes] | int


class Ended(Exception):
    """The process ended before it had done its work: it broke a limit, was killed, or ran into a fault of ours."""


class Late(Ended):
    """It took longer than it may."""


@asynccontextmanager
async def started(
    module: str, *arguments: str, stdin: _Stream, stdout: _Stream
) -> "AsyncIterator[asyncio.subprocess.Process]":
    """A process of `module`; whoever leaves the block, in whatever way, ends it."""
    import asyncio

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", module, *arguments, stdin=stdin, stdout=stdout, env={"PYTHONUTF8": "1"},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.shield(process.wait())


async def run(module: str, *arguments: str, asked: IO[bytes], answer: IO[bytes], seconds: float) -> None:
    """Let `module` answer a file with another; Ended when it does not within `seconds`. Both are rewound."""
    import asyncio

    asked.seek(0)
    async with started(module, *arguments, stdin=asked, stdout=answer) as process:
        try:
            async with asyncio.timeout(seconds):
                code = await process.wait()
        except TimeoutError:
            raise Late(f"{module} took more than {seconds:g} s") from None
    if code:
        raise Ended(f"{module} ended with {code}")
    answer.seek(0)


def limit(megabytes: int, seconds: int) -> None:
    """Of this process: at most so much memory and time of the processor, no dump of it, and no life without its parent."""
    set_death_signal = 1  # prctl(2)
    ctypes.CDLL(None).prctl(set_death_signal, int(signal.SIGKILL))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
