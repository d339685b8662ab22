"""What people at the centres said of their equipment and their work."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from assets.db import Connection
from assets.demo.fleet import Centre
from assets.demo.people import Person
from assets.demo.rows import Row, audited, write
from assets.demo.troubles import WORDS, Word
from assets.ids import new_id


async def write_words(
    tx: Connection, centres: Mapping[str, Centre], *, sites: Mapping[str, UUID], assets: Mapping[str, UUID],
    people: Mapping[str, Person], now: datetime,
) -> int:  # fmt: skip
    """The declarations with their audit events; answers how many."""
    rows: list[Row] = []
    events: list[Row] = []
    for word in WORDS:
        by, said, tag = people[word.by], new_id(), _tag(word, centres)
        rows.append({
            "id": said, "site": sites[word.site], "asset": assets[tag] if tag else None, "kind": word.kind,
            "text": word.text, "files_counted": word.files_counted, "said_by": by.id, "said_by_name": by.name,
            "said_at": now - word.said, "ended_at": now - word.ended if word.ended else None,
        })  # fmt: skip
        events.append(
            audited(
                at=now - word.said, by=(by.id, by.name), action="declare", kind="declaration", subject=said,
                name=tag or word.site, site=sites[word.site], after={"kind": word.kind, "text": word.text},
            )
        )  # fmt: skip
    await write(tx, "declarations", rows)
    await write(tx, "audit_events", events)
    return len(rows)


def _tag(word: Word, centres: Mapping[str, Centre]) -> str:
    return centres[word.site].first(word.what).tag if word.what else ""
