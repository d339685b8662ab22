"""Ports of the loopback: for servers that must be told theirs before they take it, and one at which nobody listens."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Below those that the system gives to whoever asks for any, so that none of them takes it before the server does.
PORTS = range(20_000, 32_000)


def free_port(kind: socket.SocketKind) -> int:
    """A port that nobody uses, and that nobody is given who asks for any."""
    while True:
        port = random.choice(PORTS)
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def closed_port(address: str = "127.0.0.1") -> Iterator[int]:
    """A port of TCP that refuses whoever connects; it is held, so that nobody begins to listen there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as held:
        held.bind((address, 0))
        yield int(held.getsockname()[1])
