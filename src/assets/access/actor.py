"""Who is behind a call: a value that services and rules are given."""

from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from uuid import UUID

from assets.access.permissions import ALLOWED, Action, Role, may
from assets.db import EVERYTHING, NOTHING, Scope
from assets.errors import NotAllowed, NotSignedIn


@dataclass(frozen=True)
class Held:
    """A role and where it holds."""

    role: Role
    scope: Scope


@dataclass(frozen=True)
class Actor:
    """A signed-in person, a token's owner, or the system itself.

    `scope` is everything that may be seen for whatever is being done: see `within`. `held` says which role holds where;
    without it all `roles` hold in the whole scope. `actions` are those that a token is limited to (None: no limit).
    """

    id: UUID | None
    name: str  # shown to people: the display name
    roles: frozenset[Role] = frozenset()
    scope: Scope = NOTHING
    language: str = "vi"
    origin: str = ""  # the address that it came from, for the audit trail
    login: str = ""
    home_site: UUID | None = None  # the site of a person who has just one
    session: str = field(default="", repr=False)
    held: tuple[Held, ...] = ()
    actions: frozenset[Action] | None = None
    limited: bool = False  # a token that may do less than its owner

    @property
    def known(self) -> bool:
        """Whether somebody has signed in."""
        return bool(self.roles)

    def may(self, action: Action, at: UUID | None = None) -> bool:
        """Whether the roles allow the action, somewhere or at a site."""
        if self.actions is not None and action not in self.actions:
            return False
        if at is None or not self.held:
            return may(self.roles, action)
        return any(action in ALLOWED[held.role] and held.scope.sees(at) for held in self.held)

    def within(self, action: Action) -> "Actor":
        """The same person with the scope of those grants alone that allow the action.

        Who may look everywhere and edit one centre edits that one: a scope is never lent from one role to another.
        """
        if not self.held:
            return self
        scopes = (held.scope for held in self.held if action in ALLOWED[held.role])
        return replace(self, scope=reduce(or_, scopes, NOTHING))

    def everywhere(self, action: Action) -> bool:
        """Whether the action is allowed over the whole province, and so on what belongs to no site."""
        return self.may(action) and self.within(action).scope.everything

    def require(self, action: Action) -> "Actor":
        """The same person with the scope that they have for this action; NotSignedIn or NotAllowed when it is not theirs."""
        if not self.known:
            raise NotSignedIn()
        if not self.may(action):
            raise NotAllowed()
        return self.within(action)

    def require_everywhere(self, action: Action) -> "Actor":
        """The same for what belongs to no site: NotAllowed also for whoever may do it at some sites only."""
        found = self.require(action)
        if not found.scope.everything:
            raise NotAllowed()
        return found


NOBODY = Actor(id=None, name="")
SYSTEM = Actor(id=None, name="system", roles=frozenset(Role) - {Role.COLLECTOR}, scope=EVERYTHING, origin="system")
