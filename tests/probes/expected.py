"""Compares what we read from a recording with its expected file, fact by fact."""

import math
from collections.abc import Iterator
from typing import Any

Difference = tuple[str, Any, Any]  # (fact, wanted, got)
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
    "lldp_neighbors": ("local_port chassis", "sys_name port"),
}
_PARTS = {
    "interfaces": "count oper_up oper_not_up admin_down",
    "printer": "device_status errors page_count",
    "ups": "status battery_status battery_percent runtime_minutes load_percent input_voltage output_voltage "
    "battery_voltage replace_battery seconds_on_battery alarms_present",
    "cpu": "load_percent cores",
    "memory": "used_percent",
    "bridge": "base_mac fdb_entries",
}


def facts(expected: dict[str, Any]) -> Iterator[tuple[str, Any, list[Any]]]:
    """(path, value, other right values) of each fact that a standard MIB holds."""
    for key in _PLAIN:
        if key in expected:
            yield key, expected[key], expected.get(f"{key}_ok", [])
    for part, keys in _PARTS.items():
        inside = expected.get(part, {})
        if not inside.get("vendor_mib"):
            for key in keys.split():
                if key in inside:
                    yield f"{part}.{key}", inside[key], inside.get(f"{key}_ok", [])
    for path, (_, columns) in _LISTS.items():
        for row in _at(expected, path) or []:
            if row.get("vendor_mib") or row.get("pseudo"):
                continue
            for column in columns.split():
                if column in row:
                    yield f"{path}[{_which(path, row)}].{column}", row[column], row.get(f"{column}_ok", [])


def differences(expected: dict[str, Any], got: dict[str, Any]) -> list[Difference]:
    """The facts that we did not read right."""
    out: list[Difference] = []
    for path, wanted, others in facts(expected):
        value = _value(got, path)
        if not any(_equal(value, right) for right in (wanted, *others)):
            out.append((path, wanted, value))
    return out


def group(path: str) -> str:
    """The fact without the row it is of: interfaces.list.oper."""
    head, bracket, tail = path.partition("[")
    return head + tail.partition("]")[2] if bracket else path


def _at(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _value(got: dict[str, Any], path: str) -> Any:
    if "[" not in path:
        parent, _, key = path.rpartition(".")
        inside = _at(got, parent) if parent else got
        return inside.get(key, ABSENT) if isinstance(inside, dict) else ABSENT
    head, _, tail = path.partition("[")
    which, _, column = tail.rpartition("].")
    rows = [row for row in _at(got, head) or [] if _which(head, row) == " ".join(which.split())]
    return rows[0].get(column, ABSENT) if rows else ABSENT


def _which(path: str, row: dict[str, Any]) -> str:
    return " ".join(" ".join(str(row.get(key)) for key in _LISTS[path][0].split()).split())


def _equal(got: Any, wanted: Any) -> bool:
    if isinstance(got, int | float) and isinstance(wanted, int | float) and not isinstance(got, bool):
        return math.isclose(got, wanted, rel_tol=0.005, abs_tol=0.051)
    if isinstance(got, str) and isinstance(wanted, str):
        return " ".join(got.split()) == " ".join(wanted.split())
    return bool(got == wanted)
