"""The PostgreSQL of one home directory: found, started and stopped here when no database URL is configured.

    home/postgres.password   0600   the login's password
    home/postgres.log        0600   what the server said, cut at LOG_BYTES_MAX
    home/postgres.lock       0600   locked by whoever is starting a server
    home/postgres/running    0600   locked by every process of the server for as long as it lives
    home/postgres/data       0700   owned by the account that the server runs as

Whether a server lives is asked of the lock on `running`, which the server inherits: the kernel drops it with the
last of its processes, however they die. A process id only says whom to signal, and only after /proc has shown that
it is ours. The server gets its data as an open directory, so that a home which its account cannot reach, or whose
path is too long for PostgreSQL, works, and no directory that others made changes its mode.
"""

from assets.embedded.files import EmbeddedError
from assets.embedded.programs import binaries, clients
from assets.embedded.server import Server, ensure, stop

__all__ = ["EmbeddedError", "Server", "binaries", "clients", "ensure", "stop"]
