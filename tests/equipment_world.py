"""A small province for tests of equipment requests and readiness: two centres, a store, people and things."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from assets import db
from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Role
from assets.db import EVERYTHING, Scope
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory.lifecycle import PhysicalState, Stage
from assets.places import service as places
from assets.places.units import parse, shipped

T0 = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after the beginning."""
    return T0 + timedelta(minutes=minutes)


@dataclass
class World:
    """Alice is clerk of the first centre, Bob is provincial IT, Charlie is clerk of the second centre."""

    alice: Actor
    bob: Actor
    charlie: Actor
    home: UUID
    home_code: str
    other: UUID
    other_code: str
    store: UUID
    models: dict[str, UUID]

    async def stock(self, category: str, tag: str, state: PhysicalState = PhysicalState.GOOD, *, day: int = 0) -> UUID:
        """One more thing in the store, there since `day`."""
        return await self.thing(category, tag, "KHO", stage=Stage.IN_STOCK, state=state, day=day)

    async def thing(
        self, category: str, tag: str, site: str, *, stage: Stage = Stage.IN_USE,
        state: PhysicalState = PhysicalState.GOOD, day: int = 0,
    ) -> UUID:  # fmt: skip
        """One more asset at the site with this code."""
        new = inventory.NewAsset(tag, self.models[category], site, stage=stage, physical_state=state)
        return await inventory.register(SYSTEM, new, now=T0 + timedelta(days=day))

    async def asset(self, tag: str) -> tuple[UUID, str]:
        """Where an asset is and its stage."""
        async with db.transaction(EVERYTHING) as tx:
            row = await tx.fetchrow("select site, stage from assets where tag = $1", tag)
        return row["site"], row["stage"]


CATEGORIES = (("pc", "Máy tính để bàn", "Desktop computer", "computer"), ("printer", "Máy in", "Printer", "printer"),
              ("scanner", "Máy scan tài liệu", "Document scanner", ""))  # fmt: skip


async def build() -> World:
    """Two centres and a store; categories pc, printer and scanner with one model each."""
    await places.load_units(SYSTEM, parse(shipped())[:2])
    await places.open_centres(SYSTEM)
    # The store stands in a third unit, so that it is in no clerk's scope.
    await places.load_units(SYSTEM, parse(shipped())[2:3])
    async with db.transaction(EVERYTHING) as tx:
        home, other = await tx.fetch("select id, code from sites order by code")
        elsewhere = await tx.fetchval("select id from administrative_units where id not in (select unit from sites)")
        store = await places.add_site(tx, unit=elsewhere, code="KHO", kind="store", name="Kho tỉnh")
        models = {}
        for sort, (code, name, name_en, serves) in enumerate(CATEGORIES):
            category, models[code] = new_id(), new_id()
            await tx.execute(
                "insert into asset_categories (id, code, name, name_en, serves, sort, version) values ($1,$2,$3,$4,$5,$6,1)",
                category, code, name, name_en, serves, sort,
            )  # fmt: skip
            await tx.execute(
                "insert into asset_models (id, category, manufacturer, name, profile, search, version) "
                "values ($1,$2,'Maker',$3,'','',1)", models[code], category, code,
            )  # fmt: skip
        people = {}
        for name, display in (("alice", "Bà A"), ("bob", "Ông B"), ("charlie", "Ông C")):
            people[name] = new_id()
            await tx.execute(
                "insert into users (id, name, display_name, post, email, phone, language, active, created_at, version) "
                "values ($1,$2,$3,'','','','vi',true,$4,1)", people[name], name, display, T0,
            )  # fmt: skip
        for name, site in (("alice", home["id"]), ("charlie", other["id"])):
            await tx.execute(
                'insert into grants (id, "user", role, site, created_by, created_at) values ($1,$2,\'clerk\',$3,\'\',$4)',
                new_id(), people[name], site, T0,
            )  # fmt: skip
    clerk = Actor(None, "", frozenset({Role.CLERK}), origin="test")
    return World(
        alice=replace(clerk, id=people["alice"], name="Bà A", scope=Scope.of_sites([home["id"]]), home_site=home["id"]),
        bob=Actor(people["bob"], "Ông B", frozenset({Role.PROVINCE_IT}), EVERYTHING, origin="test"),
        charlie=replace(clerk, id=people["charlie"], name="Ông C", scope=Scope.of_sites([other["id"]]),
                        home_site=other["id"]),
        home=home["id"], home_code=home["code"], other=other["id"], other_code=other["code"], store=store, models=models,
    )  # fmt: skip
