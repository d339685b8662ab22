"""What files can be attached to: one line a kind. Who sees the thing sees its files, who edits it adds and removes them.

To add a kind, add a line here and its table to the SQL function `attachment_visible` (a migration).
"""

from dataclasses import dataclass

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.db import NOTHING

OPEN = "false"  # private to nobody


@dataclass(frozen=True)
class Kind:
    """Where the things of a kind are: table, the column people know them by, what they are called, and their site.

    Without a `site` they belong to the province: everybody sees them, and only the province writes. `page` leads back;
    `seen_by` is what somebody must be allowed to do to see them. Those for which `private` (SQL) holds are seen by those
    alone who may do `private_to` at their site.

    Files are taken off by whoever may do `removed_by` at the site. What is `shared` belongs to two sites: off it each side
    takes its own files alone, and nobody takes any where `over` (SQL) holds.
    """

    table: str
    key: str
    name: str
    site: str = ""
    page: str = ""
    seen_by: Action = Action.VIEW
    private: str = OPEN
    private_to: Action = Action.VIEW
    removed_by: Action = Action.EDIT_INVENTORY
    shared: bool = False
    over: str = "false"
    word: str = ""  # of web/words.py, AUDIT_KIND, when it is not the kind itself


KINDS = {
    "asset": Kind("assets", "tag", "tag", "site", "/assets/{}"),
    "model": Kind("asset_models", "id", "manufacturer || ' ' || name", word="asset_model"),
    "link": Kind("links", "tag", "carrier || ' ' || tag", "site"),
    "application": Kind("applications", "code", "name"),
    "capability": Kind("capabilities", "id", "title", "site"),
    "site": Kind("sites", "code", "name", "id", "/sites/{}"),
    # Of two sides the one that the scope has.
    "transfer": Kind(
        "transfers",
        "number",
        "from_name || ' → ' || to_name",
        "(case when to_site = any (scope_sites()) then to_site else from_site end)",
        "/transfers/{}",
        removed_by=Action.RECEIVE_TRANSFER,
        shared=True,
        over="state not in ('draft', 'in_transit')",
    ),
    "equipment_request": Kind(
        "equipment_requests",
        "number",
        "'ĐN-' || number",
        "site",
        "/equipment-requests/{}",
        Action.VIEW_REQUESTS,
        private="state = 'draft'",
        private_to=Action.REQUEST_EQUIPMENT,
    ),
}
NAMES = tuple(KINDS)


REMOVERS = tuple(dict.fromkeys(of.removed_by for of in KINDS.values()))


def unseen(actor: Actor) -> list[str]:
    """The kinds of which this person sees nothing."""
    return [name for name, of in KINDS.items() if not actor.may(of.seen_by)]


def seen_things(actor: Actor) -> tuple[str, list[object]]:
    """A condition on attachments `a` of things `t` with its values: without what is private to others."""
    conditions, values = ["true"], list[object]()
    for name, of in KINDS.items():
        if of.private != OPEN:
            scope = actor.within(of.private_to).scope if actor.may(of.private_to) else NOTHING
            conditions.append(f"(a.subject_kind <> '{name}' or not t.private or {{}} or t.site = any({{}}::uuid[]))")
            values += [scope.everything, list(scope.sites)]
    return " and ".join(conditions), values


def subjects(kind: str, thing: str) -> str:
    """SQL of the thing that an attachment is on, from the SQL of its kind and id: code, name, site, private (or no row)."""
    return " union all ".join(
        f"select {of.key}::text as code, {of.name} as name, {of.site or 'null::uuid'} as site, "  # noqa: S608
        f"{of.private} as private from {of.table} where {kind} = '{name}' and id = {thing}"
        for name, of in KINDS.items()
    )
