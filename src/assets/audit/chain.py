"""The digests that cover audit events and chain them, as pure functions of their values.

PostgreSQL keeps JSON by value: 1e22 comes back as its 23 digits and keys in an order of its own. A digest is taken of
a form that has one spelling only, so that it can be computed again from what is stored.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

START = ""  # what stands in the place of the chain before the first seal
# Made once: millions of events are read again by the verifier.
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
# Columns that came later: left out when empty, so that the digests made before them hold.
_LATER = ("request",)


def digest(event: Mapping[str, object]) -> str:
    """SHA-256, in hex, over the event's columns (all but `digest`)."""
    kept = {
        key: _spelled(value) for key, value in event.items() if key != "digest" and not (key in _LATER and not value)
    }
    return _sha(_ENCODER.encode(kept))


def link(before: str, number: int, event: UUID, event_digest: str, sealed_at: datetime) -> str:
    """The chain at seal `number`: SHA-256, in hex, over the chain before it and all that the seal says."""
    return _sha(f"{before}\n{number}\n{event}\n{event_digest}\n{_spelled(sealed_at)}")


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _spelled(value: Any) -> Any:
    if isinstance(value, float | Decimal):
        return _number(Decimal(repr(value)) if isinstance(value, float) else value)
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return str(value.astimezone(UTC))
    return value


def _number(exact: Decimal) -> int | float | str:
    # Whole ones like integers, as 1e23 is in jsonb; what is no float to the last digit was never written by us. jsonb
    # holds no NUL, so that its spelling is nobody's text.
    if exact == exact.to_integral_value():
        return int(exact)
    near = float(exact)
    return near if Decimal(repr(near)) == exact else "\0" + f"{exact:f}".rstrip("0")
