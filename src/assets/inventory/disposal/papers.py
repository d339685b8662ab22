"""The list of what should be written off (01/TSC-XLTS): its values, and the route that prints it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.inventory.disposal.api import CANDIDATES, CandidateOut, Share, listed_candidates, share_of
from assets.inventory.disposal.eligible import Ground
from assets.inventory.paper_forms.printing import FILES, Named, Wish, answer, few_enough, unit_of
from assets.papers.document import money
from assets.papers.kinds import Disposable, DisposalList, Paper
from assets.web.formats import short_site
from assets.web.moments import AsOfDay, day_of
from assets.web.paging import LIMIT_MAX, ListQuery, listed


async def disposal_list(actor: Actor, asked: ListQuery, as_of: date) -> DisposalList:
    """The values of the list as of the end of a day; its letter is from the site when all of it is at one."""
    found: list[CandidateOut] = []
    async with transaction(actor.scope) as tx:
        share = await share_of(tx, as_of)
        page = await listed_candidates(tx, actor, replace(asked, limit=LIMIT_MAX), as_of)
        few_enough(page.total)
        found += page.items
        while page.next:
            page = await listed_candidates(tx, actor, replace(asked, limit=LIMIT_MAX, cursor=page.next), as_of)
            found += page.items
        kinds = {row["code"]: row["name"] for row in await tx.fetch("select code, name from asset_categories")}
        sites = {one.site: one.site_name for one in found}
        code, site = next(iter(sites.items())) if len(sites) == 1 else ("", "")
        unit = await unit_of(tx, code)
    several = len(sites) > 1
    lines = [_disposable(one, kinds, share, several=several) for one in found]
    return DisposalList(unit, site, as_of, lines)


def _disposable(one: CandidateOut, kinds: Mapping[str, str], share: Share, *, several: bool) -> Disposable:
    return Disposable(
        name=one.name, tag=one.tag, category=kinds.get(one.category, one.category),
        year=one.put_into_use.year if one.put_into_use else None, cost=one.original_cost, remaining=one.remaining,
        reason="; ".join(_said(ground, one, share) for ground in one.grounds), note=short_site(one.site_name) if several else "",
    )  # fmt: skip


def _said(ground: Ground, one: CandidateOut, share: Share) -> str:
    if ground is Ground.LIFE_OVER:
        return f"Đã hết thời gian sử dụng để tính hao mòn ({one.years} năm)"
    quoted = f" ngày {one.quoted_on:%d/%m/%Y}" if one.quoted_on else ""
    return f"Hư hỏng; báo giá sửa chữa{quoted}: {money(one.quotation)} đồng, trên {share.repair_percent}% nguyên giá"


_LISTED = listed(CANDIDATES, known=["as_of"])


@get("/api/v1/disposal-candidates/papers/{paper:str}", operation_id="printDisposalCandidates", tags=["papers"],
     guards=[requires(Action.VIEW)], dependencies=_LISTED["dependencies"], opt=_LISTED["opt"] | FILES)  # fmt: skip
async def print_candidates(
    paper: Named, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], as_of: AsOfDay = None
) -> Response[bytes]:
    """What may be put forward for disposal (disposal-list) as PDF or DOCX: the rows of the list with the same parameters."""
    wish, day = Wish.of(paper, Paper.DISPOSAL_LIST), day_of(as_of, clock.today())
    return await answer(wish, await disposal_list(actor, asked, day), f"{day:%d-%m-%Y}")


routes: Sequence[ControllerRouterHandler] = [print_candidates]
