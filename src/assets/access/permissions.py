"""Which role may do what, and where a role can be given: one table of role × action, one of role × reach.

Where somebody may act is the scope of the grant that allows the action, never of another one. A decision only: no rows,
no clock. Unknown actions are refused, so that a new route without an entry is closed.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from assets.web.language import N_


class Role(StrEnum):
    """What a person is to the system; the names are fixed (DESIGN §7)."""

    ADMINISTRATOR = "administrator"
    PROVINCE_IT = "province_it"
    ON_CALL = "on_call"
    APPROVER = "approver"
    STOREKEEPER = "storekeeper"
    ACCOUNTANT = "accountant"
    DIRECTOR = "director"
    CLERK = "clerk"
    INSPECTOR = "inspector"
    COLLECTOR = "collector"
    SERVICE = "service"


class Action(StrEnum):
    """What can be asked for; one route asks for one."""

    VIEW = "view"  # places, inventory, conditions, readiness, incidents of one's scope
    VIEW_SYSTEM = "view_system"  # collectors, channels, notifications, jobs
    EDIT_INVENTORY = "edit_inventory"
    RECEIVE_TRANSFER = "receive_transfer"  # at the site that something was sent to
    EDIT_PLACES = "edit_places"
    EDIT_MONITORING = "edit_monitoring"
    EDIT_CHANNELS = "edit_channels"
    HANDLE_INCIDENT = "handle_incident"
    SILENCE = "silence"
    DECLARE = "declare"
    REQUEST_EQUIPMENT = "request_equipment"
    VIEW_REQUESTS = "view_requests"
    DECIDE_REQUEST = "decide_request"
    FULFIL_REQUEST = "fulfil_request"
    MANAGE_PEOPLE = "manage_people"
    VIEW_AUDIT = "view_audit"
    REPORT_OBSERVATIONS = "report_observations"
    REPORT_INVENTORY = "report_inventory"  # what agents on computers send
    PRINT_LABELS = "print_labels"
    TAKE_STOCK = "take_stock"  # open a stocktake, count, settle what differs
    APPROVE_STOCKTAKE = "approve_stocktake"
    EDIT_PAPERS = "edit_papers"  # what stands on the forms of papers


A = Action
_COUNTING = {A.PRINT_LABELS, A.TAKE_STOCK}
_CENTRE = {A.VIEW, A.RECEIVE_TRANSFER, A.DECLARE, A.REQUEST_EQUIPMENT, A.VIEW_REQUESTS} | _COUNTING
_IT = {
    A.VIEW, A.VIEW_SYSTEM, A.EDIT_INVENTORY, A.RECEIVE_TRANSFER, A.EDIT_PLACES, A.EDIT_MONITORING, A.EDIT_CHANNELS,
    A.HANDLE_INCIDENT, A.SILENCE, A.DECLARE, A.REQUEST_EQUIPMENT, A.VIEW_REQUESTS, A.DECIDE_REQUEST, A.FULFIL_REQUEST,
    A.REPORT_INVENTORY, A.APPROVE_STOCKTAKE, A.EDIT_PAPERS,
} | _COUNTING  # fmt: skip
ALLOWED: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(_IT | {A.MANAGE_PEOPLE, A.VIEW_AUDIT}),
    Role.PROVINCE_IT: frozenset(_IT),
    Role.ON_CALL: frozenset({A.VIEW, A.VIEW_SYSTEM, A.HANDLE_INCIDENT, A.SILENCE, A.DECLARE}),
    Role.APPROVER: frozenset({A.VIEW, A.VIEW_REQUESTS, A.DECIDE_REQUEST}),
    Role.STOREKEEPER: frozenset(
        {A.VIEW, A.EDIT_INVENTORY, A.RECEIVE_TRANSFER, A.VIEW_REQUESTS, A.FULFIL_REQUEST} | _COUNTING
    ),
    Role.ACCOUNTANT: frozenset({A.VIEW, A.VIEW_REQUESTS, A.APPROVE_STOCKTAKE} | _COUNTING),
    Role.DIRECTOR: frozenset(_CENTRE | {A.APPROVE_STOCKTAKE}),
    Role.CLERK: frozenset(_CENTRE),
    Role.INSPECTOR: frozenset({A.VIEW, A.VIEW_REQUESTS, A.VIEW_AUDIT}),
    Role.COLLECTOR: frozenset({A.REPORT_OBSERVATIONS}),
    Role.SERVICE: frozenset({A.VIEW, A.REPORT_INVENTORY}),
}


class Reach(StrEnum):
    """What a grant covers."""

    PROVINCE = "province"
    UNIT = "unit"
    SITE = "site"


_ANYWHERE = frozenset(Reach)
REACH: dict[Role, frozenset[Reach]] = {
    Role.ADMINISTRATOR: frozenset({Reach.PROVINCE}),
    Role.PROVINCE_IT: _ANYWHERE,
    Role.ON_CALL: _ANYWHERE,
    Role.APPROVER: _ANYWHERE,
    Role.STOREKEEPER: _ANYWHERE,
    Role.ACCOUNTANT: _ANYWHERE,
    Role.DIRECTOR: frozenset({Reach.UNIT, Reach.SITE}),
    Role.CLERK: frozenset({Reach.UNIT, Reach.SITE}),
    Role.INSPECTOR: _ANYWHERE,
    Role.COLLECTOR: frozenset(),  # collectors are enrolled, and know their sites from there
    Role.SERVICE: _ANYWHERE,
}


@dataclass(frozen=True)
class Staying:
    """How long a session may rest, and how long it may last however much it is used."""

    idle: timedelta
    absolute: timedelta


# The strictest of a person's roles counts. A counter PC is shared, but its clerk signs in once a day.
STAYING: dict[Role, Staying] = {
    **dict.fromkeys(Role, Staying(timedelta(hours=1), timedelta(hours=10))),
    Role.ADMINISTRATOR: Staying(timedelta(minutes=30), timedelta(hours=8)),
    Role.CLERK: Staying(timedelta(hours=4), timedelta(hours=12)),
    Role.DIRECTOR: Staying(timedelta(hours=4), timedelta(hours=12)),
}


def staying(roles: frozenset[Role]) -> Staying:
    """How long a session of somebody with these roles may rest and last."""
    found = [STAYING[role] for role in roles] or [STAYING[Role.ADMINISTRATOR]]
    return Staying(min(s.idle for s in found), min(s.absolute for s in found))


# Programs sign in with tokens; everybody else whose grant covers the province needs a second factor.
WITHOUT_SECOND_FACTOR = frozenset({Role.SERVICE, Role.COLLECTOR})


def needs_second_factor(role: Role) -> bool:
    """Whether a person who has this role over the province must show a second factor at sign-in."""
    return role not in WITHOUT_SECOND_FACTOR


def refused_reach(role: Role, reach: Reach) -> str | None:
    """Why this role cannot be given over this, as a source phrase; None when it can."""
    if reach in REACH[role]:
        return None
    if role is Role.COLLECTOR:
        return N_("Collectors are enrolled, not added.")
    if reach is Reach.PROVINCE:
        return N_("This role belongs to a commune: give its 5-digit code.")
    return N_("This role is for the whole province.")


def may(roles: frozenset[Role], action: Action) -> bool:
    """Whether any of these roles allows the action."""
    return any(action in ALLOWED[role] for role in roles)
