"""Rows of transfers, and of custody."""

from piccolo.columns import UUID, BigSerial, Date, ForeignKey, Integer, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from assets.access.tables import SignedAddress
from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.inventory.attachments.tables import Attachment
from assets.inventory.tables import Asset
from assets.places.tables import Room, Site


class Transfer(Table, db=DB, tablename="transfers"):
    """Assets that go from one site to another as one act (điều chuyển).

    State: draft, in_transit, received, refused, cancelled. The sites' codes and names are kept as they were: each side
    reads this row, and neither can read the other's site.
    """

    id = UUID(primary_key=True, default=new_id)
    number = Integer(unique=True)
    from_site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    to_site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    from_code = Varchar(length=20)
    from_name = Varchar(length=200)
    to_code = Varchar(length=20)
    to_name = Varchar(length=200)
    state = Varchar(length=12, index=True)
    carrier = Varchar(length=120, default="")  # who brings it
    decision_number = Varchar(length=60, default="")  # số quyết định
    decision_date = Date(null=True, default=None)
    reason = Text(default="")
    expected_on = Date(null=True, default=None)
    created_at = Timestamptz(default=now)
    created_by = Varchar(length=120, default="")
    sent_at = Timestamptz(null=True, default=None)
    sent_by = Varchar(length=120, default="")
    ended_at = Timestamptz(null=True, default=None)
    ended_by = Varchar(length=120, default="")
    note = Text(default="")  # of the last step: why it was refused or cancelled
    search = Text(default="")
    version = Integer(default=1)


class TransferLine(Table, db=DB, tablename="transfer_lines"):
    """One asset of a transfer, called as it was then, with where it stood and what became of it.

    State: listed (draft), waiting (on its way), received, damaged, refused, missing, cancelled. Each side can add a photo.
    """

    id = UUID(primary_key=True, default=new_id)
    transfer = ForeignKey(Transfer, null=False, on_delete=OnDelete.cascade)
    asset = ForeignKey(Asset, null=False, on_delete=OnDelete.restrict)
    position = SmallInt(default=1)
    tag = Varchar(length=40)
    name = Varchar(length=255)
    serial = Varchar(length=120, default="")
    state = Varchar(length=10)
    former_stage = Varchar(length=20, default="")
    former_room = ForeignKey(Room, null=True, default=None, on_delete=OnDelete.set_null)
    note = Text(default="")
    settled_at = Timestamptz(null=True, default=None)
    settled_by = Varchar(length=120, default="")
    photo_given = ForeignKey(Attachment, null=True, default=None, on_delete=OnDelete.set_null)
    photo_received = ForeignKey(Attachment, null=True, default=None, on_delete=OnDelete.set_null)


class HandOver(Table, db=DB, tablename="hand_overs"):
    """What one side of a transfer confirmed by a signed address: who they said they are, when, and a photo if there is one.

    `side` is giver or receiver; each confirms once.
    """

    id = UUID(primary_key=True, default=new_id)
    transfer = ForeignKey(Transfer, null=False, on_delete=OnDelete.cascade)
    side = Varchar(length=8)
    name = Varchar(length=120)
    post = Varchar(length=120, default="")
    note = Text(default="")
    at = Timestamptz(default=now)
    photo = ForeignKey(Attachment, null=True, default=None, on_delete=OnDelete.set_null)
    address = ForeignKey(SignedAddress, null=True, default=None, on_delete=OnDelete.set_null)
    hand_overs_side_uq = Unique([transfer, side])


class CustodyMove(Table, db=DB, tablename="custody_moves"):
    """An asset passes from one party's hands into another's; a trigger on assets writes it, whoever changes them.

    A party is a site, or the carrier of a transfer under the responsibility of the site that sent it. Until the first
    row an asset is with the row's `from`, after the last one with its `to`: never with two, never with nobody.
    """

    id = BigSerial(primary_key=True)
    asset = ForeignKey(Asset, null=False, on_delete=OnDelete.cascade)
    at = Timestamptz(default=now)
    from_party = Varchar(length=8)
    from_site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    to_party = Varchar(length=8)
    to_site = ForeignKey(Site, null=False, on_delete=OnDelete.restrict)
    carrier = Varchar(length=120, default="")
    transfer = ForeignKey(Transfer, null=True, default=None, on_delete=OnDelete.set_null)
