"""`assets verify-audit`: whether anything in the audit trail was changed, removed, moved or cut off."""

import asyncio
import sys
from pathlib import Path

import rich_click as click

from assets import clock, db
from assets import settings as configuration
from assets.audit.verifying import Count, findings
from assets.cli.runtime import find_database
from assets.errors import AssetsError
from assets.probing import audit_heads
from assets.probing.contract import AuditHead


class UnreadableHeads(AssetsError):
    """A file of heads cannot be read."""


@click.command("verify-audit")
@click.option(
    "--head",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file of heads that was kept elsewhere, such as a collector's audit-heads.jsonl; may be given several times.",
)
def verify_audit(files: tuple[Path, ...]) -> None:
    """Find any edit, removal, reordering or truncation of the audit trail; exit code 1 when there is one."""
    settings = configuration.load()
    known = _known(settings.home / audit_heads.HEADS_FILE, files)
    if not asyncio.run(_verify(find_database(settings), known)):
        sys.exit(1)


def _known(own: Path, files: tuple[Path, ...]) -> list[tuple[str, AuditHead]]:
    known = []
    for path in (own, *files):
        if path != own and not path.is_file():
            raise UnreadableHeads(f"There is no file {path}.")
        found, wrong = audit_heads.read(path)
        if wrong or (path != own and not found):
            raise UnreadableHeads(f"{path} has lines that are no heads of the audit trail.")
        known += [(str(path), head) for head in found]
    return known


async def _verify(dsn: str, known: list[tuple[str, AuditHead]]) -> bool:
    """Print what is wrong, or one line of what is well. It reads only, also of an older database."""
    await db.connect(dsn, pool_max=1)
    count, wrong = Count(), 0
    try:
        async with db.transaction(db.EVERYTHING) as tx:
            async for finding in findings(tx, known, now=clock.now(), count=count):
                wrong += 1
                click.echo(f"{finding.kind}: {finding.text}")
    finally:
        await db.disconnect()
    newest = max((head.number for _, head in known), default=0)
    said = (
        f"{count.events} events, {count.seals} sealed, {count.unsealed} too new to be; "
        f"{len(known)} heads from outside, the newest of seal {newest}"
    )
    click.echo(f"{wrong} findings in {said}." if wrong else f"The audit trail is whole: {said}.")
    return not wrong
