"""Assets with how they are and who says so: a measurement, a person, the register, or nobody."""

import re
from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from assets.dashboards.views import AssetRow, ReadingRow
from assets.db import Connection
from assets.monitoring.worst import OF_ASSET

_QUERY = f"""
    select a.tag, a.name, m.manufacturer || ' ' || m.name as model, c.name as category,
        c.name_en as category_en, c.serves, coalesce(r.name, '') as room, a.stage, a.physical_state, a.physical_state_at,
        t.method, d.condition, d.since, d.reason, d.observed_at,
        e.kind as said, e.said_by_name as said_by, e.said_at, e.text as said_text, coalesce(b.name, '') as behind
    from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category
    left join rooms r on r.id = a.room {OF_ASSET}
    left join targets b on b.id = d.cause
    left join lateral (select kind, said_by_name, said_at, text from declarations e where e.asset = a.id and e.ended_at is null
        and e.kind in ('broken', 'works') order by said_at desc limit 1) e on true
    where a.site = $1 and ($2::uuid is null or a.id = $2) and ($2::uuid is not null or a.stage not in ('disposed', 'lost'))
    order by array_position(array['down', 'unreachable', 'degraded'], d.condition), (e.kind = 'broken') desc nulls last,
        (a.physical_state = 'broken') desc, c.sort, a.tag limit $3
"""  # noqa: S608 - constants only


async def of_site(tx: Connection, site: UUID, *, limit: int, asset: UUID | None = None) -> list[AssetRow]:
    """The assets of a site, what is wrong first; or just one of them, whatever its stage."""
    return [_row(row) for row in await tx.fetch(_QUERY, site, asset, limit)]


_KEPT = ("tag", "name", "model", "category", "category_en", "serves", "room", "stage", "physical_state")


def _row(row: Record) -> AssetRow:
    state, since, source, source_at = _state(row)
    return AssetRow(
        **{name: row[name] for name in _KEPT}, state=state, since=since, source=source, source_at=source_at,
        reason=row["reason"] or "" if source == "measured" else "", method=row["method"] or "",
        said=row["said"] or "", said_by=row["said_by"] or "", said_text=row["said_text"] or "",
        behind=row["behind"],
    )  # fmt: skip


def _state(row: Record) -> tuple[str, object, str, object]:
    """(state, since, source, when the source spoke). A person's "broken" stands beside a measurement, not above it."""
    if row["method"] and row["condition"] not in (None, "unknown"):
        return row["condition"], row["since"], "measured", row["observed_at"]
    if row["said"]:
        return row["said"], row["said_at"], "said", row["said_at"]
    if row["method"]:
        return "unknown", row["since"], "none", row["observed_at"]
    if row["physical_state_at"] is not None or row["physical_state"] == "broken":
        noted = row["physical_state_at"]
        if row["physical_state"] == "broken":
            return "broken", noted, "register", noted
        return "unknown", None, "register", noted
    return "unknown", None, "none", None


# Readings that come once for each thing that may be wrong: only what is wrong is worth a line.
FAULTS = frozenset({"printer.error", "ups.alarms"})
OK = "ok"
# What a supply is, by the words that makers put into its name; the first that fits. A "drum cartridge" is a drum, a
# cartridge with toner and drum in one is toner, and a name of a colour alone is that of a cartridge.
PARTS = tuple(
    (part, re.compile(words, re.IGNORECASE))
    for part, words in (
        ("toner", r"toner"),
        ("ink", r"\bink\b|\bpfi-"),
        ("drum", r"drum|\bopc\b|photo ?conductor|imaging unit|image unit"),
        ("fuser", r"fus(er|ing)|fixing"),
        ("transfer", r"transfer"),
        ("maintenance", r"maintenance"),
        ("cartridge", r"cartridge|\b(black|cyan|magenta|yellow)\b"),
    )
)


def readings(found: Sequence[ReadingRow]) -> list[ReadingRow]:
    """Readings as people want them: faults in one line when there are none, else a line for each that is there."""
    wrong = {name: [r for r in found if r.name == name and r.state not in (OK, None)] for name in FAULTS}
    kept: list[ReadingRow] = []
    told: set[str] = set()
    for reading in found:
        if reading.name not in FAULTS or reading.state is None:
            kept.append(reading.model_copy(update={"part": part_of(reading)}))
        elif reading.name not in told:
            told.add(reading.name)
            kept += [r.model_copy(update={"instance": ""}) for r in wrong[reading.name] or [reading]]
    return kept


def part_of(reading: ReadingRow) -> str:
    """What a printer's supply or tray is, from the name that the device gives it; empty for any other reading."""
    if reading.name == "tray.percent":
        return "tray"
    if reading.name != "supply.percent":
        return ""
    return next((part for part, words in PARTS if words.search(reading.label)), "other")
