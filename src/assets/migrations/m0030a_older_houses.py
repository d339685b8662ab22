"""What older houses wrote, as it is read now: whose side a photo of a transfer is of, and stock that was moved directly.

Of other files on transfers nobody wrote down which side added them; those the province alone takes off. Stock that went
from ledger to ledger at once becomes a shipment that has arrived, or that was called back where both lines were taken back.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from assets.db import DB

ID = "0030a-older-houses"
VERSION = "1.38.0"
DESCRIPTION = "Sides of photos on transfers, and shipments of stock that was moved directly"

STATEMENTS = (
    """update attachments a set by_site = t.from_site from transfer_lines l join transfers t on t.id = l.transfer
    where a.id = l.photo_given""",
    """update attachments a set by_site = t.to_site from transfer_lines l join transfers t on t.id = l.transfer
    where a.id = l.photo_received""",
    """update attachments a set by_site = case h.side when 'giver' then t.from_site else t.to_site end
    from hand_overs h join transfers t on t.id = h.transfer where a.id = h.photo""",
    """insert into stock_shipments (id, from_site, to_site, from_code, from_name, to_code, to_name, consumable, batch,
    expires_on, quantity, got, state, reason, note, sent_at, sent_by, ended_at, ended_by, version)
    select o.transfer, o.site, i.site, s.code, s.name, r.code, r.name, o.consumable, o.batch, o.expires_on, i.change,
        case when back.id is null then i.change end, case when back.id is null then 'received' else 'called_back' end,
        o.reason, coalesce(back.reason, ''), o.at, o.actor_name, coalesce(back.at, i.at),
        coalesce(back.actor_name, i.actor_name), 1
    from stock_movements o join stock_movements i on i.transfer = o.transfer and i.kind = 'transfer_in'
    join sites s on s.id = o.site join sites r on r.id = i.site
    left join stock_movements back on back.reverses = o.id
    where o.kind = 'transfer_out' on conflict (id) do nothing""",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="assets", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
