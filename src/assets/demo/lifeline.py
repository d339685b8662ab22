"""A child that ends with its parent, also when the parent was killed and could not say so."""

import os

LOOK_SECONDS = 0.25


class Lifeline:
    """Watches the parent by its process id.

    The kernel's own signal (PR_SET_PDEATHSIG) is tied to the parent's *thread*, so a child started from a worker
    thread would be killed when that thread ends; the id changes only when the process is gone. `parent` closes the
    gap in which the parent dies before this process could look: whoever starts a child passes its own id.
    """

    def __init__(self, parent: int | None = None) -> None:
        self._parent = parent or os.getppid()

    def cut(self) -> bool:
        """Whether the parent is gone."""
        return os.getppid() != self._parent
