"""The verbs of credentials: keep a secret under a name, give it another, and say where it is tried and as which one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.probing.contract import CANDIDATES_MAX, Community, Credential, User
from assets.probing.trying import level
from assets.text import clean
from assets.vault import Vault
from assets.web.language import N_

NAME_MAX = 80
_SECRET: TypeAdapter[Community | User] = TypeAdapter(Credential)


def open_credential(vault: Vault, row: UUID, sealed: str) -> bytes:
    """The JSON of a credential; its seal is bound to the row, so that one cannot be put in another's place."""
    return vault.unseal(sealed, bound_to=sealed_for(row))


def read(vault: Vault, row: UUID, sealed: str) -> Community | User:
    """A credential as collectors have it."""
    return _SECRET.validate_json(open_credential(vault, row, sealed))


def sealed_for(row: UUID) -> str:
    """What the seal of a credential is bound to."""
    return f"credentials.secret:{row}"


def _told(secret: Community | User) -> dict[str, Any]:
    """What may be said of a credential."""
    told: dict[str, Any] = {"kind": secret.kind, "level": level(secret)}
    if isinstance(secret, User):
        return told | {"user_name": secret.user, "auth": secret.auth or "", "privacy": secret.privacy or ""}
    return told | {"user_name": "", "auth": "", "privacy": ""}


async def add_credential(actor: Actor, name: str, secret: Community | User, *, vault: Vault) -> UUID:
    """Keep a credential under a name; `secret.id` becomes the row's."""
    actor = actor.require(Action.EDIT_MONITORING)
    name = _name(name)
    async with transaction(EVERYTHING) as tx:
        await _refuse_twice(tx, name, secret.id)
        told = _told(secret)
        await tx.execute(
            "insert into credentials (id, name, kind, level, user_name, auth, privacy, secret, created_at, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,now(),1)", secret.id, name, told["kind"], told["level"], told["user_name"],
            told["auth"], told["privacy"], vault.seal(secret.model_dump_json(), bound_to=sealed_for(secret.id)),
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="credential", subject=secret.id, name=name, after={"name": name, **told}
        )
    return secret.id


def _name(name: str) -> str:
    name = clean(name, NAME_MAX).strip()
    if not name:
        raise Invalid(fields={"name": N_("Please fill this in.")})
    return name


async def _refuse_twice(tx: Connection, name: str, own: UUID) -> None:
    if await tx.fetchval("select 1 from credentials where name = $1 and id <> $2", name, own):
        raise Conflict(f"There is already a credential with the name {name}.")


async def _locked(tx: Connection, credential: UUID, version: int) -> Any:
    row = await tx.fetchrow("select * from credentials where id = $1 for update", credential)
    if row is None:
        raise NotFound()
    if row["version"] != version:
        raise Stale()
    return row


async def edit_credential(
    actor: Actor, credential: UUID, *, version: int, vault: Vault, name: str | None = None,
    secret: Community | User | None = None,
) -> None:  # fmt: skip
    """Give it another name, or another secret: what refused the old one is asked anew at once."""
    actor = actor.require(Action.EDIT_MONITORING)
    async with transaction(EVERYTHING) as tx:
        row = await _locked(tx, credential, version)
        told = {key: row[key] for key in ("kind", "level", "user_name", "auth", "privacy")}
        before = {"name": row["name"], **told}
        after = {"name": row["name"] if name is None else _name(name), **(_told(secret) if secret else told)}
        await _refuse_twice(tx, after["name"], credential)
        sealed = row["secret"]
        if secret is not None:
            kept = secret.model_copy(update={"id": credential})
            sealed = vault.seal(kept.model_dump_json(), bound_to=sealed_for(credential))
        await tx.execute(
            "update credentials set name = $2, kind = $3, level = $4, user_name = $5, auth = $6, privacy = $7, secret = $8, "
            "version = version + 1 where id = $1", credential, after["name"], after["kind"], after["level"],
            after["user_name"], after["auth"], after["privacy"], sealed,
        )  # fmt: skip
        await record(
            tx, by=actor, action="renew" if secret else "edit", kind="credential", subject=credential, name=after["name"],
            before=before, after=after,
        )  # fmt: skip


async def remove_credential(actor: Actor, credential: UUID, *, version: int) -> None:
    """Forget a credential; Conflict while it is tried anywhere or chosen for a target."""
    actor = actor.require(Action.EDIT_MONITORING)
    async with transaction(EVERYTHING) as tx:
        row = await _locked(tx, credential, version)
        used = await tx.fetchval(
            "select exists(select from targets where credential = $1) or "
            "exists(select from credential_places where credential = $1)", credential,
        )  # fmt: skip
        if used:
            raise Conflict(N_("This credential is still in use: take it out of the lists and targets first."))
        await tx.execute("update device_states set credential = null where credential = $1", credential)
        await tx.execute("delete from credentials where id = $1", credential)
        before = {key: row[key] for key in ("name", "kind", "level", "user_name", "auth", "privacy")}
        await record(
            tx, by=actor, action="remove", kind="credential", subject=credential, name=row["name"], before=before
        )


@dataclass(frozen=True)
class Place:
    """Where a list of credentials holds: at a site, at those of a unit, or in the province."""

    site: UUID | None = None
    unit: UUID | None = None
    name: str = ""


async def place_of(tx: Connection, *, site: str = "", unit: str = "") -> Place:
    """The place with this site's or unit's code; the province without either."""
    if site and unit:
        raise Invalid(fields={"unit": N_("Either a site or a unit.")})
    if site:
        row = await tx.fetchrow("select id, name from sites where code = $1", site)
        found = row and Place(site=row["id"], name=row["name"])
    elif unit:
        row = await tx.fetchrow(
            "select id, name from administrative_units where code = $1 and valid_to is null", unit
        )  # fmt: skip
        found = row and Place(unit=row["id"], name=row["name"])
    else:
        return Place()
    if found is None:
        raise NotFound()
    return replace(found)


async def set_order(
    actor: Actor, credentials: Sequence[UUID], *, site: str = "", unit: str = "", before: Sequence[UUID] | None = None
) -> None:
    """Have these tried at a place, in this order; Stale when the list there is no longer `before`."""
    actor = actor.require(Action.EDIT_MONITORING)
    if len(set(credentials)) != len(credentials) or len(credentials) > CANDIDATES_MAX:
        raise Invalid(fields={"credentials": N_("At most 8, each once.")})
    async with transaction(EVERYTHING) as tx:
        place = await place_of(tx, site=site, unit=unit)
        await tx.execute("lock table credential_places in share row exclusive mode")
        known = {row["id"]: row["name"] for row in await tx.fetch("select id, name from credentials")}
        if any(one not in known for one in credentials):
            raise Invalid(fields={"credentials": N_("There is no such credential.")})
        rows = await tx.fetch(
            "delete from credential_places where site is not distinct from $1 and unit is not distinct from $2 "
            "returning credential, position", place.site, place.unit,
        )  # fmt: skip
        old = [row["credential"] for row in sorted(rows, key=lambda row: row["position"])]
        if before is not None and list(before) != old:
            raise Stale()
        await tx.executemany(
            "insert into credential_places (id, credential, site, unit, position) values ($1,$2,$3,$4,$5)",
            [(new_id(), one, place.site, place.unit, number) for number, one in enumerate(credentials, start=1)],
        )
        await record(
            tx, by=actor, action="reorder", kind="credential_order", subject=place.site or place.unit or PROVINCE,
            name=place.name, before={"credentials": [known[one] for one in old]},
            after={"credentials": [known[one] for one in credentials]},
        )  # fmt: skip


PROVINCE = UUID(int=0)  # the subject of what is said of the whole province


async def candidates(tx: Connection, sites: Sequence[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """What is tried at each of these sites: its own list, then its unit's, then the province's."""
    rows = await tx.fetch(
        "select s.id as site, p.credential from sites s join administrative_units u on u.id = s.unit "
        "join credential_places p on p.site = s.id or (p.site is null and p.unit is null) "
        "or p.unit in (select id from administrative_units same where same.code = u.code) "
        "where s.id = any($1) order by s.id, (p.site is not null) desc, (p.unit is not null) desc, p.position", list(sites),
    )  # fmt: skip
    found: dict[UUID, dict[UUID, None]] = defaultdict(dict)
    for row in rows:
        found[row["site"]][row["credential"]] = None
    return {site: tuple(those)[:CANDIDATES_MAX] for site, those in found.items()}
