"""The verbs of the rules of approval: steps, what holds for all requests, and what things are expected to cost.

Who decides up to what value is the province's own delegation; nothing of it is known to the system but what stands here.
A request that is under way keeps the steps that it was sent with.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import asyncpg

from assets.access.actor import Actor
from assets.access.permissions import ALLOWED, REACH, Action, Reach, Role
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.equipment_requests.approval_rules.steps import ONE, CostSource, Settings, rule_of, settings
from assets.equipment_requests.approvals import Place
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.text import clean
from assets.web.language import N_

STEPS_MAX = 10
HOURS_MAX = 999
FULFIL_HOURS_MAX = 9_999
POSITION_MAX = 99
NAME_MAX = 120
MONEY_MAX = 10**15
KINDS = ("equipment", "consumable", "capability", "repair")
DECIDERS = tuple(sorted(role for role in Role if Action.VIEW_REQUESTS in ALLOWED[role]))
_NO_ROLE = N_("Choose at least one role.")
_MISSING = N_("Please fill this in.")


@dataclass(frozen=True)
class NewStep:
    """A step to be; see `approvals.Rule`."""

    name: str
    roles: tuple[str, ...]
    name_en: str = ""
    position: int = 1
    place: str = Place.ANY
    from_value: int | None = None
    if_unknown: bool = True
    kinds: tuple[str, ...] = ()
    hours: int = 16


async def add_step(actor: Actor, new: NewStep) -> UUID:
    """Add a step; Invalid names each wrong field."""
    actor = actor.require_everywhere(Action.MANAGE_PEOPLE)
    values, made = checked(asdict(new)), new_id()
    async with transaction(actor.scope) as tx:
        await tx.execute("lock table approval_steps in share row exclusive mode")
        if await tx.fetchval("select count(*) from approval_steps") >= STEPS_MAX:
            raise Conflict(N_("There are 10 steps already."))
        row = await tx.fetchrow(
            "insert into approval_steps (id, position, name, name_en, roles, place, from_value, if_unknown, kinds, hours, "
            "version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,1) returning *", made, *_columns(values),
        )  # fmt: skip
        await record(tx, by=actor, action="create", kind="approval_step", subject=made, name=values["name"],
                     after=_told(row))  # fmt: skip
    return made


async def edit_step(actor: Actor, step: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Change what is named of a step that is still at `version`."""
    actor = actor.require_everywhere(Action.MANAGE_PEOPLE)
    async with transaction(actor.scope) as tx:
        before = await _step(tx, step, version)
        values = checked({**_values(before), **changes})
        after = await tx.fetchrow(
            "update approval_steps set position = $2, name = $3, name_en = $4, roles = $5, place = $6, from_value = $7, "
            "if_unknown = $8, kinds = $9, hours = $10, version = version + 1 where id = $1 returning *",
            step, *_columns(values),
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="approval_step", subject=step, name=values["name"],
            **differences(_told(before), _told(after)),
        )  # fmt: skip


async def remove_step(actor: Actor, step: UUID, *, version: int) -> None:
    """Remove a step; Conflict when it is the last one, for somebody has to decide."""
    actor = actor.require_everywhere(Action.MANAGE_PEOPLE)
    async with transaction(actor.scope) as tx:
        await tx.execute("lock table approval_steps in share row exclusive mode")
        before = await _step(tx, step, version)
        if await tx.fetchval("select count(*) from approval_steps") == 1:
            raise Conflict(N_("One step at least has to decide; change this one instead."))
        await tx.execute("delete from approval_steps where id = $1", step)
        await record(tx, by=actor, action="delete", kind="approval_step", subject=step, name=before["name"],
                     before=_told(before))  # fmt: skip


async def _step(tx: Connection, step: UUID, version: int) -> asyncpg.Record:
    row: asyncpg.Record | None = await tx.fetchrow("select * from approval_steps where id = $1 for update", step)
    if row is None:
        raise NotFound()
    if row["version"] != version:
        raise Stale()
    return row


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    rule = rule_of(row)
    return {
        "name": rule.name, "name_en": rule.name_en, "roles": tuple(rule.roles), "position": rule.position,
        "place": rule.place, "from_value": rule.from_value, "if_unknown": rule.if_unknown, "kinds": tuple(rule.kinds),
        "hours": rule.hours,
    }  # fmt: skip


def _told(row: Any) -> dict[str, object]:
    return {**shown(row), "roles": json.loads(row["roles"]), "kinds": json.loads(row["kinds"])}


def _columns(values: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        values["position"], values["name"], values["name_en"], json.dumps(sorted(values["roles"])), values["place"],
        values["from_value"], values["if_unknown"], json.dumps(sorted(values["kinds"])), values["hours"],
    )  # fmt: skip


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a step, cleaned; Invalid names each wrong one."""
    found = {**given, "name": clean(given["name"], NAME_MAX), "name_en": clean(given["name_en"], NAME_MAX)}
    wrong = _wrong_roles(found["roles"], found["place"])
    if not found["name"]:
        wrong["name"] = _MISSING
    if not set(found["kinds"]) <= set(KINDS):
        wrong["kinds"] = N_("Please choose one of the list.")
    wrong |= _outside(found, {"position": (1, POSITION_MAX), "hours": (1, HOURS_MAX)})
    if found["from_value"] is not None:
        wrong |= _outside(found, {"from_value": (0, MONEY_MAX)})
    if wrong:
        raise Invalid(fields=wrong)
    return found


def _wrong_roles(roles: tuple[str, ...], place: str) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not roles:
        wrong["roles"] = _NO_ROLE
    elif not set(roles) <= set(DECIDERS):
        wrong["roles"] = N_("This role cannot look at equipment requests.")
    if place not in set(Place):
        wrong["place"] = N_("Please choose one of the list.")
    elif not wrong and not any(_given(Role(role), Place(place)) for role in roles):
        wrong["place"] = N_("None of these roles is given over this.")
    return wrong


def _given(role: Role, place: Place) -> bool:
    if place is Place.PROVINCE:
        return Reach.PROVINCE in REACH[role]
    return place is Place.ANY or bool(REACH[role] & {Reach.UNIT, Reach.SITE})


def _outside(values: Mapping[str, Any], bounds: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    return {
        name: N_("This number is not possible here.")
        for name, (least, most) in bounds.items()
        if not least <= values[name] <= most
    }


async def set_settings(actor: Actor, changes: Mapping[str, Any], *, version: int) -> None:
    """Change what is named of what holds for all requests; targets of what the stores have already stay as they are."""
    actor = actor.require_everywhere(Action.MANAGE_PEOPLE)
    async with transaction(actor.scope) as tx:
        default = Settings()
        await tx.execute(
            "insert into approval_settings (id, same_person, cost_source, seat, fulfil_hours, version) "
            "values ($1, $2, $3, $4, $5, 0) on conflict do nothing",
            ONE, default.same_person, default.cost_source, default.seat, default.fulfil_hours,
        )  # fmt: skip
        await tx.fetchval("select id from approval_settings where id = $1 for update", ONE)
        before = await settings(tx)
        if before.version != version:
            raise Stale()
        after = {**asdict(before), **changes, "version": version + 1}
        await _check_settings(tx, after)
        await tx.execute(
            "update approval_settings set same_person = $2, cost_source = $3, seat = $4, fulfil_hours = $5, version = $6 "
            "where id = $1",
            ONE, after["same_person"], after["cost_source"], after["seat"], after["fulfil_hours"], after["version"],
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="approval_setting", subject=ONE, **differences(asdict(before), after)
        )


async def _check_settings(tx: Connection, values: Mapping[str, Any]) -> None:
    wrong = _outside(values, {"fulfil_hours": (1, FULFIL_HOURS_MAX)})
    if values["cost_source"] not in set(CostSource):
        wrong["cost_source"] = N_("Please choose one of the list.")
    if values["seat"] and not await tx.fetchval(
        "select 1 from administrative_units where code = $1 and latitude is not null and longitude is not null",
        values["seat"],
    ):
        wrong["seat"] = N_("There is no unit with this code and with coordinates.")
    if wrong:
        raise Invalid(fields=wrong)


@dataclass(frozen=True)
class NewCost:
    """What one of a kind is expected to cost (None: not written down), and the version that was seen (0: none was)."""

    unit_cost: int | None
    version: int


async def set_costs(actor: Actor, wanted: Mapping[str, NewCost]) -> None:
    """Set expected costs by the code of the kind, all of them or none; those that stay as they are do not count."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    wrong = {
        f"unit_cost.{code}": N_("This number is not possible here.")
        for code, cost in wanted.items()
        if cost.unit_cost is not None and not 0 <= cost.unit_cost <= MONEY_MAX
    }
    if wrong:
        raise Invalid(fields=wrong)
    async with transaction(actor.scope) as tx:
        await tx.execute("lock table category_costs in share row exclusive mode")
        for code, cost in sorted(wanted.items()):
            await _set_cost(tx, actor, code, cost)


async def _set_cost(tx: Connection, actor: Actor, code: str, cost: NewCost) -> None:
    row = await tx.fetchrow(
        "select c.id, c.name, k.id as own, k.unit_cost, coalesce(k.version, 0) as version from asset_categories c "
        "left join category_costs k on k.category = c.id where c.code = $1", code,
    )  # fmt: skip
    if row is None:
        raise NotFound()
    if row["unit_cost"] == cost.unit_cost:
        return
    if row["version"] != cost.version:
        raise Stale()
    own = row["own"] or new_id()
    if cost.unit_cost is None:
        await tx.execute("delete from category_costs where id = $1", own)
    else:
        await tx.execute(
            "insert into category_costs (id, category, unit_cost, version) values ($1, $2, $3, 1) "
            "on conflict (category) do update set unit_cost = $3, version = category_costs.version + 1",
            own, row["id"], cost.unit_cost,
        )  # fmt: skip
    await record(
        tx, by=actor, action="edit", kind="category_cost", subject=own, name=row["name"],
        before={"unit_cost": row["unit_cost"]}, after={"unit_cost": cost.unit_cost},
    )  # fmt: skip
