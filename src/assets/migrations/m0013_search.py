"""What search compares, with accents where they are typed; and the best finds of one kind, each scope for itself."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0013-search"
VERSION = "1.38.0"
DESCRIPTION = "Search across everything, blind to accents unless they are typed"

FUNCTIONS = (
    # The same answers as `text.searchable`: blind words, then all as spelt (đ is no letter with a mark; after NFD nothing
    # but it needs a lower case beyond ASCII, whatever the locale of the database).
    r"""
create function searchable(said text) returns text language sql immutable strict parallel safe as $$
    select case when blind = exact then ' ' || blind || ' ' else ' ' || blind || ' ' || exact || ' ' end from (select
        lower(translate(regexp_replace(plain, '[\u0300-\u036f]', '', 'g'), 'đĐðÐ', 'dddd')) as blind,
        normalize(regexp_replace(lower(translate(plain, 'ĐÐ', 'đð')),
            '([ou])([aey])([\u0300\u0301\u0303\u0309\u0323])', '\1\3\2', 'g'), NFC) as exact
    from (select normalize(trim(regexp_replace(regexp_replace(said,
        '(^|\s)[,.;:()\[\]"''“”‘’!?]+|[,.;:()\[\]"''“”‘’!?]+(?=\s|$)', ' ', 'g'), '\s+', ' ', 'g')), NFD) as plain)
        as words) as forms
$$
""",
    """
create function search_condition(what text, place text, patterns text, count integer) returns text
language sql immutable parallel safe as $$
    select coalesce(string_agg(
        format('(%1$s like %2$s[%3$s]', what, patterns, i) || case when place is null then '' else format(
            ' or t.%1$I = any (array(select s.id from sites s join administrative_units u on u.id = s.unit '
            'where s.search like %2$s[%3$s] or u.search like %2$s[%3$s]))', place, patterns, i) end || ')',
        ' and ' order by i), 'true')
    from generate_series(1, count) as i
$$
""",
    # Like `found_by`, and ranked: 0 for what has this very tag, serial or number, 1 for what begins with it (no `key`:
    # neither), 2 for what fits all patterns. At most `most` of each, whichever: who finds more has to say more. The words
    # are looked for as if there were no such limit, or PostgreSQL would rather read rows one by one than use the index.
    """
create function found_best(kind text, key text, prefix text, patterns text[], most integer)
returns table (id uuid, rank integer)
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
    place text := case
        when kind = 'sites' then 'id'
        when kind in ('rooms', 'assets', 'links', 'capabilities', 'equipment_requests', 'incidents') then 'site'
        when kind in ('administrative_units', 'asset_models', 'applications', 'users') then null
        else kind end;
    what text := case kind
        when 'rooms' then 'searchable(t.name)'
        when 'capabilities' then 'searchable(t.title || '' '' || t.holder_post)'
        when 'applications' then 'searchable(t.code || '' '' || t.name || '' '' || t.name_en || '' '' || t.owner_office)'
        when 'incidents' then 'searchable(t.subject_name || '' '' || t.asset_tag)'
        when 'users' then 'searchable(t.name || '' '' || t.display_name || '' '' || t.post)'
        else 't.search' end;
    keys text[] := case kind
        when 'assets' then array['t.tag', 'upper(t.serial)']
        when 'links' then array['t.tag', 'upper(t.circuit_number)']
        when 'sites' then array['t.code']
        when 'administrative_units' then array['t.code']
        when 'applications' then array['upper(t.code)']
        when 'users' then array['upper(t.name)']
        else '{}' end;
    mine text := '';
    branches text := '';
    one text;
begin
    if place = kind then
        raise exception 'nothing is searched under %', kind;
    end if;
    if place is not null and not scope_everything() then
        mine := format(' and t.%I = any (scope_sites())', place);
    end if;
    if key <> '' then
        foreach one in array keys loop
            branches := branches || format('(select t.id, case when %1$s = $1 then 0 else 1 end from %2$I t '
                'where %1$s like $2%3$s limit $4) union all ', one, kind, mine);
        end loop;
        if kind in ('equipment_requests', 'incidents') and key ~ '^[0-9]{1,9}$' then
            branches := branches || format('(select t.id, 0 from %I t where t.number = $1::integer%s) union all ', kind, mine);
        end if;
    end if;
    return query execute format(
        'with fitting as materialized (select t.id from %I t where %s%s) select f.id, min(f.place) from (%s'
        '(select fitting.id, 2 from fitting limit $4)) as f (id, place) group by f.id', kind,
        search_condition(what, place, '$3', cardinality(patterns)), mine, branches) using key, prefix, patterns, most;
end $$
""",
)
FOUND_AGAIN = (
    "update administrative_units set search = searchable(name || ' ' || name_en || ' ' || code)",
    "update sites set search = searchable(name || ' ' || code)",
    "update asset_models set search = searchable(manufacturer || ' ' || name)",
    "update links set search = searchable(concat_ws(' ', tag, carrier, circuit_number, contract_number))",
    "update assets a set search = searchable(concat_ws(' ', a.tag, a.serial, a.name, m.manufacturer, m.name, a.custodian, "
    "array_to_string(a.macs, ' '), array_to_string(a.addresses, ' '), a.national_code)) from asset_models m "
    "where m.id = a.model",
    "update equipment_requests r set search = searchable(coalesce((select string_agg(c.name || ' ' || c.name_en, ' ') "
    "from equipment_request_lines l join asset_categories c on c.id = l.category where l.request = r.id), '') || ' ' || "
    "r.reason)",
)
# `upper` of what is upper case already costs nothing; LIKE needs these operators to find beginnings.
INDEXES = (
    "create index assets_tag_begins on assets (tag text_pattern_ops)",
    "create index assets_serial_begins on assets (upper(serial) text_pattern_ops)",
    "create index rooms_search on rooms using gin (searchable(name) gin_trgm_ops)",
    "create index capabilities_search on capabilities using gin (searchable(title || ' ' || holder_post) gin_trgm_ops)",
    "create index incidents_search on incidents using gin (searchable(subject_name || ' ' || asset_tag) gin_trgm_ops)",
)


def statements() -> list[str]:
    """Everything in its order."""
    return [*FUNCTIONS, *FOUND_AGAIN, *INDEXES]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in statements():
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
