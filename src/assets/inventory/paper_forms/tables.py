"""Rows of paper forms: only of papers whose form somebody has changed; the others are as `papers.defaults` has them."""

from piccolo.columns import UUID, Bytea, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from assets.clock import now
from assets.db import DB
from assets.ids import new_id


class PaperForm(Table, db=DB, tablename="paper_forms"):
    """What is set of a paper, as papers.kinds.Form has it; several of one kind stand one to a line."""

    id = UUID(primary_key=True, default=new_id)
    paper = Varchar(length=40, unique=True)
    form_number = Text(default="")
    issuer = Text(default="")
    number_pattern = Text(default="")
    addressee = Text(default="")
    legal_basis = Text(default="")
    opening = Text(default="")
    closing = Text(default="")
    signatories = Text(default="")
    recipients = Text(default="")
    unit_of_measure = Text(default="")
    changed_at = Timestamptz(default=now)
    changed_by = Varchar(length=120, default="")
    version = Integer(default=1)


class PaperTemplate(Table, db=DB, tablename="paper_templates"):
    """An own .docx template of a paper; there is one or none."""

    id = UUID(primary_key=True, default=new_id)
    form = ForeignKey(PaperForm, null=False, unique=True, on_delete=OnDelete.cascade)
    name = Varchar(length=160)
    sha256 = Varchar(length=64)
    size = Integer()
    content = Bytea()
    added_at = Timestamptz(default=now)
    added_by = Varchar(length=120, default="")
