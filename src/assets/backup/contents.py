"""What a database holds, told in few bytes: rows and fingerprint of each table, to be compared after a restore."""

from collections.abc import Mapping

from pydantic import BaseModel

from assets.db import Connection

# How values are written decides the fingerprint; a server may have other defaults.
_WRITTEN = "set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; set local bytea_output = 'hex'; " \
    "set local timezone = 'UTC'; set local extra_float_digits = 1"  # fmt: skip


class TableFacts(BaseModel):
    """Rows of one table, and a sum over them that changes with any value in any row, in whatever order they lie."""

    rows: int
    fingerprint: str


async def contents_of(tx: Connection) -> dict[str, TableFacts]:
    """The facts of each table by its name; partitions count with what they are a part of."""
    await tx.execute(_WRITTEN)
    tables = await tx.fetch(
        "select relname as name from pg_class where relnamespace = 'public'::regnamespace "
        "and relkind in ('r', 'p') and not relispartition order by relname"
    )
    found = {}
    for (name,) in tables:
        row = await tx.fetchrow(
            f'select count(*) as rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as fingerprint from "{name}" t'  # noqa: S608, E501 - a name that PostgreSQL told
        )
        found[name] = TableFacts(**dict(row))
    return found


def differences(kept: Mapping[str, TableFacts], found: Mapping[str, TableFacts]) -> list[str]:
    """One sentence for each table that is not as it was kept."""
    said = []
    for name in sorted(kept.keys() | found.keys()):
        before, after = kept.get(name), found.get(name)
        if before is None or after is None:
            said.append(f"{name}: the table is {'missing' if after is None else 'new'}")
        elif before != after:
            said.append(f"{name}: {before.rows} rows were kept, {after.rows} are there"
                        + (", with other values" if before.rows == after.rows else ""))  # fmt: skip
    return said
