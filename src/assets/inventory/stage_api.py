"""One asset takes another's place, over HTTP; moves of one asset are with the assets themselves."""

from collections.abc import Sequence
from typing import Annotated

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.inventory import replacement
from assets.inventory.api import AssetOut, StageMove, one_asset
from assets.inventory.lifecycle import Stage


class Replacing(StageMove):
    """Which asset (`by`, its tag) takes the place, and what becomes of the old one: its stage and what that asks for."""

    by: Annotated[str, Field(min_length=1, max_length=40)]
    stage: Stage = Stage.IN_STOCK


class Replaced(BaseModel):
    """Both assets after the act."""

    old: AssetOut
    new: AssetOut


@post("/api/v1/assets/{tag:str}/replace", operation_id="replaceAsset", status_code=200,
      guards=[requires(Action.EDIT_INVENTORY)], tags=["inventory"])  # fmt: skip
async def replace(tag: FromPath[str], data: JSONBody[Replacing], actor: NamedDependency[Actor]) -> Replaced:
    """Another asset takes this one's place: site, room, person in charge, and what is monitored there, as one act."""
    await replacement.replace(actor, tag, data.by, data.stage, data.told, now=clock.now())
    return Replaced(old=await one_asset(actor, tag), new=await one_asset(actor, data.by))


routes: Sequence[ControllerRouterHandler] = [replace]
