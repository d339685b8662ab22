"""Syllables that a sign joins are found one by one: "xã hội" in "Văn hóa-Xã hội"; and stocktakes with accents at all."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0031-joined-syllables"
VERSION = "1.38.0"
DESCRIPTION = "Syllables that a sign joins are searched one by one"

ACCENTS = r"[\u0300-\u036fđĐðÐ]"
SIGNS = r"""[-!"#$%&''()*+,./:;<=>?@\[\\\]^_`{|}~«»·‐‑‒–—―‘’‚“”„•…−](?![\u0300-\u036f])"""
JOINED = rf"(?=\S*{ACCENTS})\S*{SIGNS}\S*"  # of decomposed text
# The same answers as `text.searchable`: blind words, then all as spelt (đ is no letter with a mark; after NFD nothing but
# it needs a lower case beyond ASCII, whatever the locale of the database); of words with accents that have signs in them,
# what stands between these as well.
FUNCTION = rf"""
create or replace function searchable(said text) returns text language sql immutable strict parallel safe as $$
    select case when blind = exact then ' ' || blind || ' ' else ' ' || blind || ' ' || exact || ' ' end from (select
        lower(translate(regexp_replace(plain, '[\u0300-\u036f]', '', 'g'), 'đĐðÐ', 'dddd')) as blind,
        normalize(regexp_replace(lower(translate(plain, 'ĐÐ', 'đð')),
            '([ou])([aey])([\u0300\u0301\u0303\u0309\u0323])', '\1\3\2', 'g'), NFC) as exact
    from (select case when words ~ '{ACCENTS}' then trim(regexp_replace(words || ' ' || coalesce((
            select string_agg(regexp_replace(joined[1], '{SIGNS}', ' ', 'g'), ' ')
            from regexp_matches(words, '({JOINED})', 'g') as joined), ''), '\s+', ' ', 'g'))
        else words end as plain
    from (select normalize(trim(regexp_replace(regexp_replace(said,
        '(^|\s)[,.;:()\[\]"''“”‘’!?]+|[,.;:()\[\]"''“”‘’!?]+(?=\s|$)', ' ', 'g'), '\s+', ' ', 'g')), NFD) as words)
        as said_words) as all_words) as forms
$$
"""  # noqa: S608 - constants only
TABLES = (
    "administrative_units", "sites", "asset_models", "assets", "links", "consumables", "transfers", "inventory_agents",
    "equipment_requests", "purchases",
)  # fmt: skip
# What is stored says as well what it was made of: its second half, where some of it is spelt with accents.
_FOUND_AGAIN = (
    "update {0} set search = searchable(array_to_string(words[cardinality(words) / 2 + 1 :], ' ')) "
    "from (select id as row, string_to_array(trim(search), ' ') as words from {0} "
    "where normalize(search, NFD) ~ '{1}') as now where id = now.row and cardinality(words) % 2 = 0"
)
STATEMENTS = (
    FUNCTION,
    *(_FOUND_AGAIN.format(table, JOINED) for table in TABLES),
    "update stocktakes t set search = searchable(t.title || ' ' || s.name) from sites s where s.id = t.site",
    "update stocktake_items set search = searchable(tag || ' ' || name)",
    *(f"reindex index {index}" for index in ("rooms_search", "capabilities_search", "incidents_search")),
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
