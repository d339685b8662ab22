"""Rows of attachments: a file's bytes stand once, apart from what it is attached to."""

from piccolo.columns import UUID, Bytea, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id
from assets.places.tables import Site


class StoredFile(Table, db=DB, tablename="stored_files"):
    """The bytes of a file as they are served, by the SHA-256 of them."""

    id = UUID(primary_key=True, default=new_id)
    sha256 = Varchar(length=64, unique=True)
    media_type = Varchar(length=80)
    size = Integer()
    content = Bytea()
    created_at = Timestamptz(default=now)


class Attachment(Table, db=DB, tablename="attachments"):
    """A file on a thing: `subject_kind` and `subject` name it (see kinds.py); removed ones stay with who and when.

    `by_site` is the side that added it to what two sites share; null: the province did, or the thing has one site.
    """

    id = UUID(primary_key=True, default=new_id)
    subject_kind = Varchar(length=20)
    subject = UUID(index=True)
    file = ForeignKey(StoredFile, null=False, on_delete=OnDelete.restrict)
    name = Varchar(length=160)
    note = Varchar(length=255, default="")
    added_by = Varchar(length=120, default="")
    added_at = Timestamptz(default=now)
    by_site = ForeignKey(Site, null=True, default=None, on_delete=OnDelete.set_null)
    removed_by = Varchar(length=120, default="")
    removed_at = Timestamptz(null=True, default=None)
    version = Integer(default=1)
