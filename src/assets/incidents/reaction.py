"""What a change of condition means for incidents: what opens, joins or ends. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from assets.monitoring.conditions import Change, Condition
from assets.phrases import Phrase
from assets.probing.readings import Severity


class Kind(StrEnum):
    """What an incident is about."""

    DEVICE = "device"
    LINK = "link"
    APPLICATION = "application"
    SITE = "site"
    AREA = "area"
    CREDENTIAL = "credential"
    COLLECTOR = "collector"
    CHANNEL = "channel"
    CAPABILITY = "capability"
    THRESHOLD = "threshold"


@dataclass(frozen=True)
class Opens:
    """An incident of this kind is there from now on, or goes on with these reasons."""

    kind: Kind
    severity: Severity
    reasons: tuple[Phrase, ...]


@dataclass(frozen=True)
class Ends:
    """Whatever is open of this kind is over, for this reason."""

    kind: Kind
    reason: Phrase


REFUSES = "refuses our credential"
FLAPS = "keeps failing and coming back"
WITHIN = Phrase("all readings are within their limits")


def react(change: Change, gone_kind: Kind) -> tuple[Opens | Ends, ...]:
    """What follows from one change; `gone_kind` says what a target's own silence is called: device, link, application.

    No data opens nothing by itself: the collector's silence is told once, not once per device.
    """
    back = Phrase("it answers again")
    if change.after is Condition.DOWN:
        return (Opens(gone_kind, Severity.CRITICAL, change.reasons),)
    if change.after is Condition.UNREACHABLE:
        return (Ends(gone_kind, Phrase("something before it does not answer")),)
    if change.after is Condition.UP:
        return (
            Ends(gone_kind, back),
            Ends(Kind.THRESHOLD, WITHIN),
            Ends(Kind.CREDENTIAL, Phrase("the credential is accepted")),
        )
    if change.after is Condition.DEGRADED:
        return _degraded(change, gone_kind, back)
    return ()


def _degraded(change: Change, gone_kind: Kind, back: Phrase) -> tuple[Opens | Ends, ...]:
    refused = tuple(r for r in change.reasons if r.text == REFUSES)
    flaps = tuple(r for r in change.reasons if r.text == FLAPS)
    others = tuple(r for r in change.reasons if r.text not in (REFUSES, FLAPS))
    followed: list[Opens | Ends] = []
    if flaps:
        # The fall it keeps coming back from is one incident until it is calm, not one each time.
        followed.append(Opens(gone_kind, Severity.CRITICAL, flaps))
    else:
        followed.append(Ends(gone_kind, back))
    if refused:
        followed.append(Opens(Kind.CREDENTIAL, Severity.WARNING, refused))
    else:
        followed.append(Ends(Kind.CREDENTIAL, Phrase("the credential is accepted")))
    if others:
        followed.append(Opens(Kind.THRESHOLD, change.severity or Severity.WARNING, others))
    else:
        followed.append(Ends(Kind.THRESHOLD, WITHIN))
    return tuple(followed)
