"""Who is behind a call: a value that services and rules are given."""

from dataclasses import dataclass, field
from uuid import UUID

from assets.access.permissions import Action, Role, may
from assets.db import EVERYTHING, NOTHING, Scope
from assets.errors import NotAllowed, NotSignedIn


@dataclass(frozen=True)
class Actor:
    """A signed-in person, a token's owner, or the system itself."""

    id: UUID | None
    name: str  # shown to people: the display name
    roles: frozenset[Role] = frozenset()
    scope: Scope = NOTHING
    language: str = "vi"
    origin: str = ""  # address and request id, for the audit trail
    login: str = ""
    home_site: UUID | None = None  # the site of a person who has just one
    session: str = field(default="", repr=False)

    @property
    def known(self) -> bool:
        """Whether somebody has signed in."""
        return bool(self.roles)

    def may(self, action: Action) -> bool:
        """Whether the roles allow the action; the scope decides where."""
        return may(self.roles, action)

    def require(self, action: Action) -> None:
        """Raise NotSignedIn or NotAllowed unless the action is allowed."""
        if not self.known:
            raise NotSignedIn()
        if not self.may(action):
            raise NotAllowed()


NOBODY = Actor(id=None, name="")
SYSTEM = Actor(id=None, name="system", roles=frozenset(Role) - {Role.COLLECTOR}, scope=EVERYTHING, origin="system")
