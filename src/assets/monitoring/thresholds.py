"""What a look's readings mean: findings against limits. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from assets.phrases import Phrase
from assets.probing.readings import Limit, Reading, Severity

FINDINGS_MAX = 50  # of one look: a switch with every port down must not fill a row


@dataclass(frozen=True)
class Finding:
    """One limit that one reading breaks: `key` is the same at each look, `phrase` says it with label and value."""

    key: str
    severity: Severity
    phrase: Phrase
    confirm: int = 2
    clear: int = 2


def evaluate(readings: Iterable[Reading], limits: Iterable[Limit]) -> tuple[Finding, ...]:
    """The findings of one look, worst first; a reading without a value or state breaks no limit."""
    by_name: dict[str, list[Limit]] = {}
    for limit in limits:
        by_name.setdefault(limit.reading, []).append(limit)
    found = [
        _finding(reading, limit, severity)
        for reading in readings
        for limit in by_name.get(reading.name, ())
        if (severity := _severity(reading, limit)) is not None
    ]
    found.sort(key=lambda f: (f.severity is not Severity.CRITICAL, f.key))
    return tuple(found[:FINDINGS_MAX])


def _severity(reading: Reading, limit: Limit) -> Severity | None:
    if reading.state is not None and reading.state in limit.critical_states:
        return Severity.CRITICAL
    if reading.state is not None and reading.state in limit.warning_states:
        return Severity.WARNING
    if reading.value is None or reading.state is not None:
        return None
    if _outside(reading.value, limit.critical_below, limit.critical_above):
        return Severity.CRITICAL
    if _outside(reading.value, limit.warning_below, limit.warning_above):
        return Severity.WARNING
    return None


def _outside(value: float, below: float | None, above: float | None) -> bool:
    return (below is not None and value < below) or (above is not None and value > above)


def _finding(reading: Reading, limit: Limit, severity: Severity) -> Finding:
    return Finding(
        key=f"{limit.reading}:{reading.instance}:{limit.message}",
        severity=severity,
        phrase=Phrase(limit.message, _shown(reading)),
        confirm=limit.confirm,
        clear=limit.clear,
    )


def _shown(reading: Reading) -> dict[str, str | float]:
    shown: dict[str, str | float] = {}
    if reading.label:
        shown["label"] = reading.label
    if reading.state is None and reading.value is not None:
        shown["value"] = round(reading.value, 1)
    return shown
