"""Why a look ended as it did: a code with its numbers in the contract, words for people only where they are shown.

The English words are gettext sources. A code is never given another meaning: collectors of other ages send it too.
"""

from collections.abc import Mapping
from typing import Any

from assets import phrases
from assets.phrases import Phrase

STORED_MAX = 255
Param = str | int | float

_BADLY = {
    "badly_made": ("not well-made", Phrase("the device answers badly: not well-made")),
    "badly_numbered": ("unknown request-id", Phrase("the device answers badly: unknown request-id")),
    "badly_versioned": ("another version", Phrase("the device answers badly: another version")),
    "badly_community": ("another community", Phrase("the device answers badly: another community")),
    "badly_pdu": ("another PDU type", Phrase("the device answers badly: another PDU type")),
    "badly_status": ("an impossible error status", Phrase("the device answers badly: an impossible error status")),
    "badly_named": ("other names than asked for", Phrase("the device answers badly: other names than asked for")),
    "badly_long": ("too long", Phrase("the device answers badly: too long")),
    "badly_engine": ("another engine", Phrase("the device answers badly: another engine")),
    "badly_user": ("another user", Phrase("the device answers badly: another user")),
    "badly_signed": ("another digest", Phrase("the device answers badly: another digest")),
    "badly_timed": ("outside the time window", Phrase("the device answers badly: outside the time window")),
    "badly_weak": ("a weaker level", Phrase("the device answers badly: a weaker level")),
}
_CODES = {reason: code for code, (reason, _) in _BADLY.items()}

ENDINGS: Mapping[str, Phrase] = {
    **{code: phrase for code, (_, phrase) in _BADLY.items()},
    "badly": Phrase("the device answers badly: %(reason)s"),
    "badly_changing": Phrase("the device answers badly: its engine or its time changes with every question"),
    "badly_report": Phrase("the device answers badly: a report of %(reason)s"),
    "device_error": Phrase("the device answers with error %(status)s"),
    "no_answer": Phrase("no answer in %(tries)s x %(seconds)s s"),
    "no_answer_within": Phrase("no answer in %(seconds)s s"),
    "no_answer_at_all": Phrase("no answer"),
    "no_row": Phrase("no row in %(seconds)s s"),
    "no_page": Phrase("no page in %(seconds)s s"),
    "no_echo": Phrase("no echo in %(tries)s x %(seconds)s s"),
    "no_echoes": Phrase("none of %(count)s echoes came back (%(way)s)"),
    "by_way": Phrase("by %(way)s"),
    "port_silent": Phrase("port %(port)s does not answer in %(seconds)s s"),
    "port_refused": Phrase("port %(port)s: connection refused"),
    "port_no_route": Phrase("port %(port)s: no route to host"),
    "port_failed": Phrase("port %(port)s: %(error)s"),
    "unreachable": Phrase("cannot be reached: %(error)s"),
    "broke": Phrase("the connection broke: %(error)s"),
    "broke_in_tls": Phrase("the connection broke during TLS: %(error)s"),
    "closed_early": Phrase("the connection was closed before an answer"),
    "no_tls": Phrase("no TLS: %(error)s"),
    "server_badly": Phrase("the server answers badly: %(error)s"),
    "headers_endless": Phrase("the server sends headers without end"),
    "not_packed": Phrase("the page says that it is packed, and is not"),
    "redirect_host": Phrase("redirects to another host: %(host)s"),
    "redirect_odd": Phrase("redirects to something else than %(error)s"),
    "redirect_inside": Phrase("the page redirects from outside to %(address)s, inside"),
    "name_is_own": Phrase("the name %(host)s means the collector itself"),
    "page_status": Phrase("status %(status)s"),
    "certificate": Phrase("certificate: %(error)s"),
    "status_and_certificate": Phrase("status %(status)s; certificate: %(error)s"),
    "own_ca": Phrase("the own authority cannot be read: %(error)s"),
    "dns_code": Phrase("the server says %(code)s"),
    "dns_none": Phrase("the name has no such record"),
    "dns_missing": Phrase("not among the answers: %(names)s"),
    "dns_name": Phrase("this name cannot be asked for: %(error)s"),
    "name_slow": Phrase("the name %(host)s could not be resolved in time"),
    "name_unknown": Phrase("the name %(host)s has no address: %(error)s"),
    "community_refused": Phrase("the device refuses this community"),
    "user_refused": Phrase("the device refuses this user"),
    "user_unknown": Phrase("the device does not know this user"),
    "level_refused": Phrase("the device wants another security level for this user"),
    "auth_key_wrong": Phrase("the authentication key is wrong"),
    "privacy_key_wrong": Phrase("the privacy key is wrong"),
    "user_or_privacy": Phrase("the device speaks SNMPv3, but not with this user and privacy key"),
    "all_refused": Phrase("every credential was refused; asked again in %(seconds)s s"),
    "all_refused_and_gone": Phrase("no echo, and every credential was refused"),
    "no_credential": Phrase("no credential is assigned to this target"),
    "no_profile": Phrase("no profile fits this device; shown with the generic one"),
    "stopped_answering": Phrase("stopped answering: no answer in %(tries)s x %(seconds)s s"),
    "stopped": Phrase("the probe is being stopped"),
    "cannot_send": Phrase("cannot send: %(error)s"),
    "cannot_connect": Phrase("cannot connect: %(error)s"),
    "cannot_ping": Phrase("cannot ping: %(error)s"),
    "no_ping": Phrase("this system does not let us ping (%(error)s); set net.ipv4.ping_group_range"),
    "no_socket": Phrase("no socket: %(error)s"),
    "no_address": Phrase("%(address)s is no numeric address"),
    "options": Phrase("the settings cannot be read: %(error)s"),
    "look_cut": Phrase("the look was ended after %(seconds)s s"),
    "collector_failed": Phrase("the collector failed: %(error)s"),
    "order_stopped": Phrase("the collector was stopped before the order was done"),
    "rows": Phrase("%(count)s rows"),
    "sweep": Phrase("%(count)s of %(total)s addresses answer"),
}


def badly(reason: str) -> tuple[str, dict[str, Param]]:
    """(code, parameters) of a device that answers badly, for a reason as `Replies` counts it."""
    return (_CODES[reason], {}) if reason in _CODES else ("badly", {"reason": reason})


def english(code: str, params: Mapping[str, Param]) -> str:
    """In English, for logs, the API and services of another age; text that is no code is given as it stands."""
    return _phrase(code, params).english() if code in ENDINGS else code


def ending(code: str, /, **params: Param) -> dict[str, Any]:
    """The fields of a result that say how it ended."""
    return {"detail": english(code, params), "code": code, "params": params}


def _phrase(code: str, params: Mapping[str, Param]) -> Phrase:
    return Phrase(ENDINGS[code].text, {name: _short(value) for name, value in params.items()})


def _short(value: Param) -> Param:
    return round(value, 3) if isinstance(value, float) else value


def told(detail: str, code: str, params: Mapping[str, Param]) -> str:
    """What is kept of it, see `phrases`: the code's words with their numbers, or else what was said in English."""
    if code in ENDINGS:
        phrase = _phrase(code, params)
        try:
            phrase.english()
        except (KeyError, TypeError, ValueError):  # of another age, with other parameters
            return _plain(detail)
        if len(kept := phrases.store([phrase] if detail else [])) <= STORED_MAX:
            return kept
    return _plain(detail)


def _plain(detail: str) -> str:
    # Words that look like stored phrases must not be read as some.
    return detail.lstrip("[")
