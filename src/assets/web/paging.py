"""Lists: `{"items", "total", "next"}`, filters, search and cursors from a whitelist of columns.

A feature describes its list once as a `Listing`; `fetch` answers a `ListQuery` with two statements, one for the total
and one for the rows. Names in SQL come from the Listing only, values always travel as parameters. Pages follow a
cursor of the last row's sort value and id, so that rows which come or go meanwhile neither repeat nor vanish.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
from litestar import Request
from litestar.datastructures import MultiDict
from litestar.di import Provide
from litestar.openapi.spec import OpenAPIType, Parameter, Schema
from pydantic import BaseModel

from assets.clock import LOCAL_ZONE
from assets.db import Connection, Scope
from assets.errors import Invalid
from assets.text import fold, search_words
from assets.web.language import N_

T = TypeVar("T")
LIMIT_DEFAULT = 50
LIMIT_MAX = 1_000
Q_MAX = 200
CHUNK = 500  # rows that a list without pages hands over at a time
WORDS_MAX = 8  # of a search
VALUES_MAX = 100  # of one filter
CURSOR_MAX = 1_000
OPERATORS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
PAGED = frozenset({"limit", "cursor"})
RESERVED = PAGED | {"sort", "q"}
UNKNOWN = N_("There is no such parameter.")
_NUMBER = re.compile("-?[0-9]{1,19}")


class Page(BaseModel, Generic[T]):
    """One page of a list: its rows, how many there are in all, and the cursor of the next page (null on the last)."""

    items: list[T]
    total: int
    next: str | None = None


@dataclass(frozen=True)
class Column:
    """A field of a list as callers name it: its SQL expression and type.

    The type is one of PARSERS: text, uuid, integer, bigint, boolean, date, timestamptz, macaddr, …

    `choices` are the only values it can have, when they are few; `sortable` is off for what has no useful order. Of what
    holds `many` values at once, one that is asked for is enough.
    """

    expression: str
    type: str = "text"
    choices: tuple[str, ...] = ()
    sortable: bool = True
    filterable: bool = True
    many: bool = False

    def __post_init__(self) -> None:
        if self.type not in PARSERS:
            raise ValueError(f"a column cannot have the type {self.type!r}; known: {', '.join(PARSERS)}")

    @property
    def ordered(self) -> bool:
        """Whether `__gte` and its like make sense."""
        return self.type not in ("uuid", "boolean") and not self.choices and not self.many


@dataclass(frozen=True)
class Listing:
    """What a list can be asked: `select` and `source` (from … join …) in SQL, columns by the name callers use.

    `key` is the unique id that breaks ties; `search` are columns made by `searchable` that `q` looks in (none: there is no
    `q`); `more` finds further columns among the names that a caller gives, such as fields that the province has made.
    `found_by` names the table whose trigram index finds them: see the SQL function of that name, which applies the scope
    before row-level security would put the index out of use. `site` is the column that a scope restricts (empty: the
    list belongs to nobody); `sort` is the order when none is asked for, "-name" downwards. `counted` is the part of
    `source` that has all its rows, such as "assets a" when what is joined takes none away: a total that asks nothing of
    the rest is counted there.
    """

    select: str
    source: str
    key: str
    columns: Mapping[str, Column]
    sort: str
    search: tuple[str, ...] = ()
    site: str = ""
    found_by: str = ""
    counted: str = ""
    more: Callable[[Sequence[str]], Awaitable[Mapping[str, Column]]] | None = None

    async def widened(self, parameters: MultiDict[Any] | Mapping[str, Any]) -> "Listing":
        """The same list with the further columns that these parameters ask for."""
        if self.more is None:
            return self
        sort = _multi(parameters).get("sort", [""])[-1]
        asked = [name.partition("__")[0] for name in (*parameters, sort.removeprefix("-")) if name not in RESERVED]
        found = await self.more([name for name in asked if name and name not in self.columns])
        return replace(self, columns={**self.columns, **found}) if found else self


@dataclass(frozen=True)
class Filter:
    """`column operator value`, or one of several values when there is no operator."""

    column: str
    operator: str
    values: tuple[object, ...]


@dataclass(frozen=True)
class ListQuery:
    """A list's parameters, checked against its Listing."""

    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    sort: str = ""
    q: str = ""
    filters: tuple["Filter", ...] = ()
    more: Mapping[str, Column] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        parameters: MultiDict[Any] | Mapping[str, Any],
        listing: Listing,
        *,
        known: Iterable[str] = (),
        pages: bool = True,
    ) -> "ListQuery":
        """The query that these parameters make; Invalid names each wrong one. `known` are others of the route.

        Without `pages` there is no `limit` and no `cursor`.
        """
        values = _multi(parameters)
        wrong = {name: "Once only." for name in RESERVED if len(values.get(name, ())) > 1}
        wrong |= {} if pages else {name: UNKNOWN for name in PAGED if name in values}
        filters = []
        for name, given in values.items():
            if name in RESERVED or name in known:
                continue
            found = _filter(name, given, listing, wrong)
            if found is not None:
                filters.append(found)
        query = cls(
            limit=_limit(values, wrong),
            cursor=_one(values, "cursor"),
            sort=_sort(values, listing, wrong),
            q=_text(values, listing, wrong),
            filters=tuple(filters),
            more=listing.columns,
        )
        if wrong:
            raise Invalid("Some parameters are not valid.", fields=wrong)
        return query

    def again(self) -> dict[str, list[str]]:
        """Parameters that ask for the same rows in the same order, from the first one on."""
        found = {"q": [self.q], "sort": [self.sort]}
        for wanted in self.filters:
            name = f"{wanted.column}__{wanted.operator}" if wanted.operator else wanted.column
            found[name] = [_written(value) for value in wanted.values]
        return {name: [value for value in values if value] for name, values in found.items() if any(values)}


Take = Callable[[list[Any]], Awaitable[None]]


@dataclass(frozen=True)
class Whole(ListQuery):
    """A query for all rows: `fetch` gives them to `take` in chunks, as they come, and answers a page without rows.

    They are those of one moment, that of the statement; what is changed while they are read does not show.
    """

    take: Take | None = None


def folded(expression: str) -> str:
    """SQL for what a column without a `search` beside it is found by; for small tables, no index helps."""
    return f"searchable({expression})"


def listed(listing: Listing, *, known: Iterable[str] = ()) -> dict[str, Any]:
    """Arguments of a Litestar handler that takes `asked: NamedDependency[ListQuery]` and documents its parameters.

    `known` are parameters of the handler's own signature.
    """

    async def provide(request: Request[Any, Any, Any]) -> ListQuery:
        return ListQuery.of(request.query_params, await listing.widened(request.query_params), known=known)

    return {"dependencies": {"asked": Provide(provide)}, "opt": {"listing": listing}}


async def fetch(
    tx: Connection,
    listing: Listing,
    query: ListQuery,
    make: Callable[[asyncpg.Record], T],
    *,
    scope: Scope | None = None,
    where: Sequence[tuple[str, Sequence[object]]] = (),
) -> Page[T]:
    """One page. `where` holds further conditions with `{}` for each value: `("i.state = any({})", [states])`."""
    listing = _with_more(listing, query)
    conditions = chosen(listing, query, scope=scope, where=where)
    if isinstance(query, Whole):
        return Page(items=[], total=await _hand_over(tx, listing, query, conditions, make))
    counting = f"select count(*) from {_counted(listing, conditions)} where {conditions.sql}"  # noqa: S608
    total = await tx.fetchval(counting, *conditions.values)
    rows = await _rows(tx, listing, query, conditions)
    more = len(rows) > query.limit
    shown = rows[: query.limit]
    following = _cursor(query.sort or listing.sort, shown[-1]) if more else None
    return Page(items=[make(row) for row in shown], total=total, next=following)


def _counted(listing: Listing, conditions: "Conditions") -> str:
    asked = set(re.findall(r"\b([a-z]+)\.", conditions.sql))
    return listing.counted if listing.counted and asked <= {listing.counted.split()[-1]} else listing.source


def _with_more(listing: Listing, query: ListQuery) -> Listing:
    # Columns that the list itself has can differ from those that the query was read by: see inventory.wear_api.
    more = {name: column for name, column in query.more.items() if name not in listing.columns}
    return replace(listing, columns={**listing.columns, **more}) if more else listing


def chosen(
    listing: Listing,
    query: ListQuery,
    *,
    scope: Scope | None = None,
    where: Sequence[tuple[str, Sequence[object]]] = (),
) -> "Conditions":
    """What chooses the rows of a list, all pages of it."""
    listing = _with_more(listing, query)
    conditions = Conditions()
    if scope is not None and not scope.everything:
        conditions.add(f"{listing.site} = any({{}}::uuid[])", list(scope.sites))
    for text, values in where:
        conditions.add(text, *values)
    _search(conditions, listing, query.q)
    for wanted in query.filters:
        _compare(conditions, listing.columns[wanted.column], wanted)
    return conditions


@dataclass
class Conditions:
    """A WHERE clause under construction: texts from code, values as $1, $2, …"""

    texts: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, text: str, *values: object) -> None:
        """Add a condition; each `{}` in it becomes the number of the next value."""
        numbers = [self.value(value) for value in values]
        self.texts.append(f"({text.format(*numbers)})" if values else f"({text})")

    def value(self, value: object) -> str:
        """Add a value; the answer is its place, such as $3."""
        self.values.append(value)
        return f"${len(self.values)}"

    @property
    def sql(self) -> str:
        """The clause, `true` when nothing was added."""
        return " and ".join(self.texts) or "true"


async def _hand_over(
    tx: Connection, listing: Listing, query: Whole, conditions: Conditions, make: Callable[[asyncpg.Record], T]
) -> int:
    assert query.take is not None
    cursor = await tx.cursor(_select(listing, query, conditions, pages=False), *conditions.values)
    count = 0
    while rows := await cursor.fetch(CHUNK):
        await query.take([make(row) for row in rows])
        count += len(rows)
    return count


async def _rows(tx: Connection, listing: Listing, query: ListQuery, conditions: Conditions) -> list[asyncpg.Record]:
    if query.cursor:
        column, descending = _order(listing, query.sort or listing.sort)
        _after(conditions, listing, column, descending, _decode(query.cursor, query.sort or listing.sort))
    limit = conditions.value(query.limit + 1)
    rows: list[asyncpg.Record] = await tx.fetch(
        f"{_select(listing, query, conditions)} limit {limit}", *conditions.values
    )
    return rows


def _select(listing: Listing, query: ListQuery, conditions: Conditions, *, pages: bool = True) -> str:
    column, descending = _order(listing, query.sort or listing.sort)
    direction = "desc" if descending else "asc"
    place = f", ({column.expression})::text as cursor_value, ({listing.key})::text as cursor_key" if pages else ""
    return (
        f"select {listing.select}{place} "  # noqa: S608
        f"from {listing.source} where {conditions.sql} "
        f"order by ({column.expression}) {direction} nulls last, {listing.key} {direction}"
    )


def _order(listing: Listing, sort: str) -> tuple[Column, bool]:
    return listing.columns[sort.removeprefix("-")], sort.startswith("-")


def _after(
    conditions: Conditions, listing: Listing, column: Column, descending: bool, last: tuple[str | None, str]
) -> None:
    # Nulls come last in both directions; rows of an equal value go on by the key.
    value, key = last
    sign = "<" if descending else ">"
    if value is None:
        conditions.add(f"{column.expression} is null and {listing.key} {sign} {{}}::text::uuid", key)
        return
    place = conditions.value(value) + f"::text::{column.type}"
    conditions.add(
        f"({column.expression}) {sign} {place} or {column.expression} is null "
        f"or (({column.expression}) = {place} and {listing.key} {sign} {{}}::text::uuid)", key,
    )  # fmt: skip


def _search(conditions: Conditions, listing: Listing, q: str) -> None:
    patterns = [_pattern(word) for word in search_words(q, WORDS_MAX)]
    if listing.found_by and patterns:
        conditions.add(f"{listing.key} in (select found_by({{}}, {{}}::text[]))", listing.found_by, patterns)
        return
    for pattern in patterns:
        place = conditions.value(pattern)
        conditions.add(" or ".join(f"{column} like {place}" for column in listing.search))


def _pattern(word: str) -> str:
    # Who types its accents types a syllable whole: "hà" is not the beginning of "hành", which is in each centre's name.
    whole = not word.isascii() and word.isalpha() and not _VOWELS.isdisjoint(fold(word))
    return f"% {literal(word)} %" if whole else f"%{literal(word)}%"


_VOWELS = frozenset("aeiouy")


def literal(text: str) -> str:
    """A text as a part of a LIKE pattern that means just itself."""
    return text.translate(_LITERAL)


_LITERAL = str.maketrans({char: f"\\{char}" for char in "\\%_"})  # what LIKE would read as a sign


def _compare(conditions: Conditions, column: Column, wanted: Filter) -> None:
    if not wanted.operator:
        same = "&& {}" if column.many else "= any({})"
        conditions.add(f"({column.expression}) {same.format(f'{{}}::{column.type}[]')}", list(wanted.values))
        return
    for value in wanted.values:
        conditions.add(f"({column.expression}) {OPERATORS[wanted.operator]} {{}}::{column.type}", value)


def _multi(parameters: MultiDict[Any] | Mapping[str, Any]) -> dict[str, list[str]]:
    if isinstance(parameters, MultiDict):
        return {name: [str(v) for v in parameters.getall(name)] for name in parameters}
    return {
        name: [str(v) for v in value] if isinstance(value, list) else [str(value)] for name, value in parameters.items()
    }


def _filter(name: str, given: list[str], listing: Listing, wrong: dict[str, str]) -> Filter | None:
    base, _, operator = name.partition("__")
    column = listing.columns.get(base)
    if column is None or not column.filterable or (operator and (operator not in OPERATORS or not column.ordered)):
        wrong[name] = UNKNOWN
    elif len(given) > VALUES_MAX:
        wrong[name] = f"At most {VALUES_MAX} values."
    elif column.choices and (unknown := next((v for v in given if v not in column.choices), None)) is not None:
        wrong[name] = f"{unknown[:40]!r} is none of: {', '.join(column.choices)}."
    else:
        try:
            return Filter(base, operator, tuple(_value(text, column.type) for text in given))
        except (ValueError, OverflowError):
            wrong[name] = f"This is not a value of type {column.type}."
    return None


def _value(text: str, kind: str) -> object:
    if "\0" in text or len(text) > Q_MAX:
        raise ValueError("characters that cannot be stored")
    return PARSERS[kind](text)


def moment(text: str) -> datetime:
    """A moment as callers write it (RFC 3339); without a zone it is Vietnam's. ValueError when it is none."""
    # A plus sign in a query string arrives as a space.
    found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    try:
        return (found if found.tzinfo else found.replace(tzinfo=LOCAL_ZONE)).astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the years 1 to 9999") from None


def _whole(bits: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if _NUMBER.fullmatch(text) else 1 << bits
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise ValueError(f"beyond {bits} bits")
        return number

    return parse


def _real(text: str) -> float:
    number = float(text)
    if "_" in text or not text.isascii() or not math.isfinite(number):
        raise ValueError("no number")
    return number


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text == "true"


def _hardware(text: str) -> str:
    digits = re.sub(r"[:.\-]", "", text)
    if not re.fullmatch("[0-9A-Fa-f]{12}", digits):
        raise ValueError("no hardware address")
    return digits


def _address(text: str) -> IPv4Address | IPv6Address:
    if "%" in text:
        raise ValueError("an address goes without its zone")
    return ip_address(text)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


PARSERS: dict[str, Callable[[str], object]] = {
    "text": str, "uuid": UUID, "smallint": _whole(16), "integer": _whole(32), "bigint": _whole(64),
    "boolean": _yes_or_no, "date": date.fromisoformat, "timestamptz": moment, "double precision": _real,
    "macaddr": _hardware, "inet": _address,
}  # fmt: skip


def _one(values: Mapping[str, list[str]], name: str) -> str | None:
    return values[name][-1] if values.get(name) else None


def _limit(values: Mapping[str, list[str]], wrong: dict[str, str]) -> int:
    given = _one(values, "limit")
    if given is None:
        return LIMIT_DEFAULT
    if not (given.isascii() and given.isdigit() and len(given) <= 6) or not 1 <= int(given) <= LIMIT_MAX:
        wrong["limit"] = f"A whole number from 1 to {LIMIT_MAX}."
        return LIMIT_DEFAULT
    return int(given)


def _sort(values: Mapping[str, list[str]], listing: Listing, wrong: dict[str, str]) -> str:
    given = _one(values, "sort")
    if given is None or given == "":
        return listing.sort
    column = listing.columns.get(given.removeprefix("-"))
    if column is None or not column.sortable:
        names = ", ".join(name for name, c in listing.columns.items() if c.sortable)
        wrong["sort"] = f"One of: {names}; with a minus sign in front for the reverse."
        return listing.sort
    return given


def _text(values: Mapping[str, list[str]], listing: Listing, wrong: dict[str, str]) -> str:
    given = _one(values, "q") or ""
    if "q" in values and not listing.search:
        wrong["q"] = UNKNOWN
    elif len(given) > Q_MAX:
        wrong["q"] = f"At most {Q_MAX} characters."
    elif "\0" in given:
        wrong["q"] = "It has characters that cannot be stored."
    return given


def _cursor(sort: str, row: asyncpg.Record) -> str:
    plain = json.dumps([sort, row["cursor_value"], row["cursor_key"]], ensure_ascii=False)
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _decode(cursor: str, sort: str) -> tuple[str | None, str]:
    if len(cursor) > CURSOR_MAX:
        raise Invalid(fields={"cursor": "This is not a cursor of this list."})
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        of_sort, value, key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Invalid(fields={"cursor": "This is not a cursor of this list."}) from None
    if of_sort != sort or not isinstance(key, str) or not isinstance(value, str | None):
        raise Invalid(fields={"cursor": "This is not a cursor of this list in this order."})
    return value, key


def parameters(listing: Listing, *, pages: bool = True) -> list[Parameter]:
    """The list's parameters for the OpenAPI document; without those of pages where the list comes whole."""
    text = Schema(type=OpenAPIType.STRING)
    sortable = [sign + name for name, column in listing.columns.items() if column.sortable for sign in ("", "-")]
    paged = [
        Parameter(
            "limit", "query", Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=LIMIT_MAX, default=LIMIT_DEFAULT)
        ),
        Parameter("cursor", "query", text, description="`next` of the page before"),
    ]
    found = [
        *(paged if pages else ()),
        Parameter("sort", "query", Schema(type=OpenAPIType.STRING, enum=sortable, default=listing.sort)),
    ]
    if listing.search:
        found.append(
            Parameter(
                "q",
                "query",
                text,
                description="Search words, all of which must be found; one that is typed with accents is a whole syllable",
            )
        )
    for name, column in listing.columns.items():
        if column.filterable and name not in RESERVED:
            schema = Schema(type=OpenAPIType.STRING, enum=list(column.choices)) if column.choices else text
            found.append(Parameter(name, "query", schema, description=f"Only rows with this {name.replace('_', ' ')}"))
            found += [
                Parameter(f"{name}__{sign}", "query", text)
                for sign in OPERATORS
                if column.ordered and column.type != "text"
            ]
    return found
