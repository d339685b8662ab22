"""The hand-over minutes of a transfer: its values, and the route that prints them."""

from collections.abc import Sequence
from datetime import date, datetime

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.clock import LOCAL_ZONE
from assets.db import EVERYTHING, transaction
from assets.inventory.paper_forms.printing import FILES, Named, Wish, answer, unit_of
from assets.inventory.transfers import queries
from assets.inventory.transfers.course import Line, State
from assets.inventory.transfers.queries import LineOut, TransferDetail
from assets.inventory.worth import Worth, worth
from assets.papers.kinds import Confirmed, Handed, HandOver, Paper
from assets.web.forms import numbered

LEFT_OUT = frozenset({Line.REFUSED, Line.MISSING, Line.CANCELLED})  # of the list of what changes hands


async def hand_over(actor: Actor, number: int, *, now: datetime) -> HandOver:
    """The values of 02/TSC-BBGN for a transfer that the actor sees: what is missing is told of below the list."""
    found = await queries.one(actor, number)
    day = (found.ended_at or now).astimezone(LOCAL_ZONE).date()
    # Both sides sign for the same figures, also when what was handed over is no more at the reader's own site.
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select l.position, l.asset from transfer_lines l join transfers t on t.id = l.transfer where t.number = $1",
            number,
        )
        unit = await unit_of(tx, found.from_site)
        found_worth = await worth(tx, [row["asset"] for row in rows], day)
    assets = {row["position"]: found_worth.get(row["asset"], Worth()) for row in rows}
    return HandOver(
        number=f"(Phiếu điều chuyển ĐC-{number} trên hệ thống)", unit=unit, giver=found.from_name,
        receiver=found.to_name, day=_day(found), decision_number=found.decision_number, decision_date=found.decision_date,
        carrier=found.carrier, given=_confirmed(found, "giver"), received=_confirmed(found, "receiver"),
        lines=[_handed(line, assets[line.position]) for line in found.lines if line.state not in LEFT_OUT],
        missing=[_handed(line, Worth()) for line in found.lines if line.state is Line.MISSING],
    )  # fmt: skip


def _confirmed(found: TransferDetail, side: str) -> Confirmed | None:
    said = next((one for one in found.hand_overs if one.side == side), None)
    if said is None:
        return None
    return Confirmed(said.name, said.post, f"{said.at.astimezone(LOCAL_ZONE):%H:%M ngày %d/%m/%Y}", said.note)


def _day(found: TransferDetail) -> date | None:
    received = found.state is State.RECEIVED and found.ended_at
    return found.ended_at.astimezone(LOCAL_ZONE).date() if received and found.ended_at else None


def _handed(line: LineOut, value: Worth) -> Handed:
    note = "; ".join(filter(None, ("Hư hỏng" if line.state is Line.DAMAGED else "", line.note)))
    photos = [side for side, photo in (("bên giao", line.photo_given), ("bên nhận", line.photo_received)) if photo]
    return Handed(line.name, line.tag, line.serial, value.cost, value.remaining, note, photos)


@get("/api/v1/transfers/{number:str}/papers/{paper:str}", operation_id="printTransfer", tags=["papers"],
     guards=[requires(Action.VIEW)], opt=FILES)  # fmt: skip
async def print_transfer(number: FromPath[str], paper: Named, actor: NamedDependency[Actor]) -> Response[bytes]:
    """The hand-over minutes (hand-over) as PDF or DOCX."""
    wish = Wish.of(paper, Paper.HAND_OVER)
    return await answer(wish, await hand_over(actor, numbered(number), now=clock.now()), f"ĐC-{number}")


routes: Sequence[ControllerRouterHandler] = [print_transfer]
