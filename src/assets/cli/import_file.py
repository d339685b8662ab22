"""`assets import`: what a file would change, row by row; done only with `--apply`."""

import json
from pathlib import Path
from typing import Any

import rich_click as click

from assets import clock
from assets.access.actor import SYSTEM
from assets.cli.administer import in_database
from assets.db import EVERYTHING, transaction
from assets.inventory.batches import service
from assets.inventory.batches.planning import Emptiness, Options, Outcome
from assets.inventory.kinds import KINDS
from assets.phrases import Phrase

SHOWN_MAX = 200  # rows of a plan that are printed; all of them are on the page


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--apply", "applied", is_flag=True, help="Do it, all rows or none; without this nothing is changed.")
@click.option(
    "--resource", type=click.Choice(list(KINDS)), default="assets", show_default=True, help="Which list it is."
)
@click.option(
    "--empty", type=click.Choice([str(one) for one in Emptiness]), default="keep", show_default=True,
    help="What empty cells do to values that are there.",
)  # fmt: skip
@click.option("--add-models", is_flag=True, help="Add models that the catalogue lacks with the assets that name them.")
def import_(file: Path, applied: bool, resource: str, empty: str, add_models: bool) -> None:
    """Print what FILE (.xlsx or CSV) would change in a list; exit code 1 when a row is refused."""

    async def act() -> tuple[int, list[Any], dict[str, Any]]:
        number = await service.plan_file(
            SYSTEM,
            resource,
            file.read_bytes(),
            file.name,
            options=Options(Emptiness(empty), add_models),
            now=clock.now(),
        )
        async with transaction(EVERYTHING) as tx:
            batch = await tx.fetchrow("select id, counts from batches where number = $1", number)
            rows = await tx.fetch(
                "select sheet, row, key, action, changes, faults from batch_rows where batch = $1 and action <> 'same' "
                "order by action = 'refused' desc, position limit $2", batch["id"], SHOWN_MAX,
            )  # fmt: skip
        counts = json.loads(batch["counts"])
        if applied and not counts[Outcome.REFUSED]:
            await service.apply(SYSTEM, number, now=clock.now())
        return number, list(rows), counts

    number, rows, counts = in_database(act)
    for row in rows:
        click.echo(_line(row))
    for model in counts["models"]:
        click.echo("new model: {} {} ({})".format(*model))
    click.echo(", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome))
    if counts[Outcome.REFUSED]:
        click.echo(f"Import {number} cannot be applied: all rows or none.", err=True)
        raise SystemExit(1)
    click.echo(
        f"Import {number} was applied." if applied else f"Nothing was changed; this is the plan of import {number}."
    )


def _line(row: Any) -> str:
    place = f"{row['sheet']} row {row['row']}".strip()
    said = [f"{name}: {Phrase(text, params).english()}" for name, text, params in json.loads(row["faults"])]
    if row["action"] == Outcome.CHANGE:
        said = [f"{name}: {before!r} → {after!r}" for name, (before, after) in json.loads(row["changes"]).items()]
    return f"{place}: {row['action']} {row['key']}{'; ' if said else ''}{'; '.join(said)}"
