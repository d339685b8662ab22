"""The digest that covers an audit event, as a pure function of its values."""

import hashlib
import json
from collections.abc import Mapping


def digest(event: Mapping[str, object]) -> str:
    """SHA-256, in hex, over the event's columns (all but `digest`) in a form that has one spelling only."""
    kept = {key: value for key, value in event.items() if key != "digest"}
    text = json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
