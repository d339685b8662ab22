"""Compares what we read from a recording with its expected file, fact by fact."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ABSENT = "(absent)"

_PLAIN = (
    *("category", "vendor", "model", "serial", "firmware", "os", "uptime_s"),
    *("sys_descr", "sys_object_id", "sys_name", "sys_contact", "sys_location"),
)
_LISTS = {  # list → (what tells its rows apart, what must be equal)
    "interfaces.list": ("index", "name alias type speed_bps admin oper mac"),
    "printer.supplies": ("index", "name level max percent state type colour"),
    "printer.trays": ("index", "name level max percent state"),
    "storage": ("name", "kind size_bytes used_bytes used_percent"),
    "lldp_neighbors": ("local_port chassis port", "sys_name"),
    "temperatures": ("oid", "celsius"),  # their names are of those who wrote the expected file
    "nas.disks": ("index", "status celsius name"),
    "nas.volumes": ("index", "status name"),
    "chassis": ("model serial descr", "name hardware_rev firmware_rev software_rev manufacturer"),
}
_PARTS = {
    "interfaces": "count oper_up oper_not_up admin_down",
    "printer": "device_status errors page_count",
    "ups": "status battery_status battery_percent runtime_minutes load_percent input_voltage output_voltage "
    "battery_voltage battery_temperature_c ambient_temperature_c replace_battery seconds_on_battery alarms_present "
    "alarms",
    "cpu": "load_percent cores",
    "memory": "used_percent total_bytes",
    "bridge": "base_mac fdb_entries",
    "nas": "system_status power_status system_fan cpu_fan system_celsius upgrade_available",
}


@dataclass(frozen=True)
class Fact:
    """One fact of an expected file; `others` are right too, `vendor` says that only the maker's own MIB holds it."""

    path: str
    wanted: Any
    others: tuple[Any, ...] = ()
    vendor: bool = False

    @property
    def group(self) -> str:
        """The fact without the row it is of: interfaces.list.oper."""
        head, bracket, tail = self.path.partition("[")
        return head + tail.partition("]")[2] if bracket else self.path

    def right(self, got: Any) -> bool:
        """Whether what we read is it."""
        return any(_equal(got, wanted) for wanted in (self.wanted, *self.others))


@dataclass(frozen=True)
class Compared:
    """A fact with what we read in its place (ABSENT for nothing)."""

    fact: Fact
    got: Any = field(default=ABSENT)

    @property
    def right(self) -> bool:
        """Whether we read it right."""
        return self.fact.right(self.got)


def facts(expected: Mapping[str, Any]) -> Iterator[Fact]:
    """Each fact of an expected file."""
    for key in _PLAIN:
        if key in expected:
            yield Fact(key, expected[key], tuple(expected.get(f"{key}_ok", ())))
    for part, keys in _PARTS.items():
        inside = expected.get(part, {})
        for key in (k for k in keys.split() if k in inside):
            yield Fact(f"{part}.{key}", inside[key], tuple(inside.get(f"{key}_ok", ())), bool(inside.get("vendor_mib")))
    for path, (_, columns) in _LISTS.items():
        for row in _at(expected, path) or []:
            if row.get("pseudo"):
                continue
            if columns.split()[0] not in row and path in ("lldp_neighbors", "chassis"):
                yield Fact(f"{path}[{_which(path, row)}].", True)
            for column in (c for c in columns.split() if c in row):
                others = tuple(row.get(f"{column}_ok", ()))
                yield Fact(f"{path}[{_which(path, row)}].{column}", row[column], others, bool(row.get("vendor_mib")))


def compared(expected: Mapping[str, Any], got: Mapping[str, Any]) -> list[Compared]:
    """Each fact with what we read."""
    return [Compared(fact, _value(got, fact.path)) for fact in facts(expected)]


def _at(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _value(got: Mapping[str, Any], path: str) -> Any:
    if "[" not in path:
        parent, _, key = path.rpartition(".")
        inside = _at(got, parent) if parent else got
        return inside.get(key, ABSENT) if isinstance(inside, dict) else ABSENT
    head, _, tail = path.partition("[")
    which, _, column = tail.rpartition("].")
    rows = [row for row in _at(got, head) or [] if _which(head, row) == which]
    if not column:
        return bool(rows)
    return rows[0].get(column, ABSENT) if rows else ABSENT


def _which(path: str, row: Mapping[str, Any]) -> str:
    return " ".join(" ".join(str(row.get(key)) for key in _LISTS[path][0].split()).split())


def _equal(got: Any, wanted: Any) -> bool:
    if isinstance(got, bool) or isinstance(wanted, bool):
        return got is wanted
    if isinstance(got, int | float) and isinstance(wanted, int | float):
        return math.isclose(got, wanted, rel_tol=0.005, abs_tol=0.051)
    if isinstance(got, str) and isinstance(wanted, str):
        return " ".join(got.split()) == " ".join(wanted.split())
    return bool(got == wanted)
