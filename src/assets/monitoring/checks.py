"""From which values on a check that is no SNMP device is worth a warning: the limits of a target's own options. Pure."""

from collections.abc import Mapping
from typing import Any

from assets.probing.options import DnsOptions, HeartbeatOptions, HttpOptions, Options, PingOptions, TcpOptions, read
from assets.probing.readings import Limit, Method
from assets.web.language import N_

LOSS = N_("%(value)s of 100 packets are lost")
SLOW = N_("answers slowly: %(value)s ms")
UNSTEADY = N_("the delay changes much: %(value)s ms")
ANOTHER_STATUS = N_("answers with status %(label)s")
WITHOUT_TEXT = N_("the expected text is missing")
ENDS_SOON = N_("the certificate ends in %(value)s days")
BAD_CERTIFICATE = N_("the certificate is not valid for this address")
OTHER_ANSWER = N_("the name has another answer than expected: %(label)s")
NO_ANSWER = N_("the name is not known there: %(label)s")
LINE_FULL = N_("%(label)s is nearly full: %(value)s of 100 parts")
FAILED = N_("says that it failed")
LINE_PERCENT = "link.used_percent"
LINE_LIMIT = Limit(reading=LINE_PERCENT, warning_above=90, message=LINE_FULL, confirm=5, clear=3)


def limits_of(method: Method, given: Mapping[str, Any]) -> tuple[Limit, ...]:
    """The limits that a target's options set; none when they cannot be read."""
    try:
        return _limits(read(method, given))
    except ValueError:
        return ()


def _limits(told: Options) -> tuple[Limit, ...]:
    match told:
        case PingOptions():
            found = [
                _above("ping.loss_percent", told.warning_loss_percent, told.critical_loss_percent, LOSS),
                _above("ping.delay_ms", told.warning_ms, told.critical_ms, SLOW),
                _above("ping.jitter_ms", told.warning_jitter_ms, None, UNSTEADY),
            ]
        case TcpOptions():
            found = [_above("tcp.connect_ms", told.warning_ms, told.critical_ms, SLOW)]
        case HttpOptions():
            found = [
                _above("http.time_ms", told.warning_ms, told.critical_ms, SLOW),
                Limit(reading="http.status", critical_states=("unexpected",), message=ANOTHER_STATUS),
                Limit(reading="http.text", critical_states=("missing",), message=WITHOUT_TEXT),
                _certificate(told),
                _below("http.certificate_days", told.warning_days, told.critical_days, ENDS_SOON),
            ]
        case DnsOptions():
            found = [
                _above("dns.time_ms", told.warning_ms, told.critical_ms, SLOW),
                Limit(reading="dns.answer", critical_states=("another_answer",), message=OTHER_ANSWER),
                Limit(reading="dns.answer", critical_states=("no_answer",), message=NO_ANSWER),
            ]
        case HeartbeatOptions():
            found = [Limit(reading="heartbeat.result", critical_states=("failed",), message=FAILED, confirm=1, clear=1)]
        case _:
            found = []
    return tuple(limit for limit in found if limit is not None)


def _certificate(told: HttpOptions) -> Limit | None:
    if told.certificate == "unchecked":
        return None
    bad = ("expired", "not_yet_valid", "wrong_name", "untrusted")
    return Limit(reading="http.certificate", critical_states=bad, message=BAD_CERTIFICATE)


def _above(reading: str, warning: float | None, critical: float | None, message: str) -> Limit | None:
    if warning is None and critical is None:
        return None
    return Limit(reading=reading, warning_above=warning, critical_above=critical, message=message)


def _below(reading: str, warning: float | None, critical: float | None, message: str) -> Limit | None:
    if warning is None and critical is None:
        return None
    return Limit(reading=reading, warning_below=warning, critical_below=critical, message=message, confirm=1)
