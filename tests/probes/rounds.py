"""How much work a loop does in one round, between two looks at its sockets: CPU of its thread, so that it is our own part."""

import asyncio
import contextlib
import gc
import time
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def measured(patch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """CPU seconds of each round meanwhile; without the collector of garbage, which goes through the whole test run."""
    spent: list[float] = []
    once = asyncio.base_events.BaseEventLoop._run_once  # type: ignore[attr-defined]

    def counted(loop: asyncio.BaseEventLoop) -> None:
        before = time.thread_time()
        once(loop)
        spent.append(time.thread_time() - before)

    gc.disable()
    try:
        with patch.context() as patched:
            patched.setattr(asyncio.base_events.BaseEventLoop, "_run_once", counted)
            yield spent
    finally:
        gc.enable()
