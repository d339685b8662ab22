"""Which role may do what, as one table: role × action. Where it may is its grant's scope.

A decision only: no rows, no clock. Unknown actions are refused, so that a new route without an entry is closed.
"""

from enum import StrEnum


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


A = Action
_CENTRE = {A.VIEW, A.DECLARE, A.REQUEST_EQUIPMENT, A.VIEW_REQUESTS}
_IT = {
    A.VIEW, A.VIEW_SYSTEM, A.EDIT_INVENTORY, A.EDIT_PLACES, A.EDIT_MONITORING, A.EDIT_CHANNELS, A.HANDLE_INCIDENT,
    A.SILENCE, A.DECLARE, A.REQUEST_EQUIPMENT, A.VIEW_REQUESTS, A.DECIDE_REQUEST, A.FULFIL_REQUEST,
}  # fmt: skip
ALLOWED: dict[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(_IT | {A.MANAGE_PEOPLE, A.VIEW_AUDIT}),
    Role.PROVINCE_IT: frozenset(_IT),
    Role.ON_CALL: frozenset({A.VIEW, A.VIEW_SYSTEM, A.HANDLE_INCIDENT, A.SILENCE, A.DECLARE}),
    Role.APPROVER: frozenset({A.VIEW, A.VIEW_REQUESTS, A.DECIDE_REQUEST}),
    Role.STOREKEEPER: frozenset({A.VIEW, A.EDIT_INVENTORY, A.VIEW_REQUESTS, A.FULFIL_REQUEST}),
    Role.ACCOUNTANT: frozenset({A.VIEW, A.VIEW_REQUESTS}),
    Role.DIRECTOR: frozenset(_CENTRE),
    Role.CLERK: frozenset(_CENTRE),
    Role.INSPECTOR: frozenset({A.VIEW, A.VIEW_REQUESTS, A.VIEW_AUDIT}),
    Role.COLLECTOR: frozenset({A.REPORT_OBSERVATIONS}),
    Role.SERVICE: frozenset({A.VIEW}),
}
PROVINCIAL = frozenset(set(Role) - {Role.DIRECTOR, Role.CLERK, Role.ACCOUNTANT})


def may(roles: frozenset[Role], action: Action) -> bool:
    """Whether any of these roles allows the action."""
    return any(action in ALLOWED[role] for role in roles)
