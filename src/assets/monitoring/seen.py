"""What devices say of themselves over SNMP becomes what was seen of their assets, beside what people wrote."""

from datetime import datetime, timedelta

from assets.db import EVERYTHING, transaction
from assets.inventory.observed.service import observe
from assets.probing.readings import Identity

SOURCE = "snmp"
REFRESH = timedelta(minutes=15)  # how old the date of an unchanged value may be
ASSETS_MAX = 1_000  # in one transaction; the next round goes on


async def note_identities(now: datetime) -> int:
    """For a schedule, so that taking in a batch stays cheap: note what was told since; answers of how many assets."""
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            # Of several devices of one asset, such as a server and its management card, the first one is the asset.
            "select distinct on (a.id) a.id, d.identity, d.observed_at from device_states d join targets t on t.id = d.target "
            "join assets a on a.id = t.asset where t.enabled and d.identity is not null and d.identity <> '{}' "
            "and d.observed_at is not null and d.observed_at > "
            "coalesce((select max(o.seen_at) from observed_values o where o.asset = a.id and o.source = $1), '-infinity') + $2 "
            "order by a.id, t.created_at, t.id limit $3", SOURCE, REFRESH, ASSETS_MAX,
        )  # fmt: skip
        for row in rows:
            told = Identity.model_validate_json(row["identity"])
            values = {
                "serial": [told.serial], "manufacturer": [told.vendor], "model": [told.model], "hostname": [told.sys_name],
                "firmware": [told.firmware],
            }  # fmt: skip
            kept = {key: some for key, texts in values.items() if (some := [text for text in texts if text])}
            if kept:
                await observe(tx, row["id"], SOURCE, kept, at=row["observed_at"])
        return len(rows)
