"""Memory: what the C library keeps of what Python has returned (little), and what is never garbage."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

GARBAGE = (10_000, 10, 10)  # Python's own (700, 10, 10) goes through 500 rows of a list three times
ARENAS = 2  # heaps that threads take turns with; glibc would make eight a processor, each as large as its worst moment
_M_ARENA_MAX = -8  # mallopt(3)
_LIBRARY = ctypes.CDLL(None)


def set_up() -> None:
    """Have few heaps; to be called before there are threads. Without glibc nothing happens, here and below."""
    if hasattr(_LIBRARY, "mallopt"):
        _LIBRARY.mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Give the system what is free in between; takes some milliseconds."""
    if hasattr(_LIBRARY, "malloc_trim"):
        _LIBRARY.malloc_trim(0)


@contextmanager
def building() -> Iterator[None]:
    """What is made meanwhile stays, so the collector of garbage does not go through it: a quarter of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def settle() -> None:
    """What is there by now stays: the collector of garbage need not go through it again, nor after each few rows of a list."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)
