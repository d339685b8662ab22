"""What agents on some computers have reported: most as recorded, one with another serial number, one that nobody knows."""

from datetime import datetime, timedelta

from assets.access.actor import SYSTEM
from assets.db import Connection
from assets.demo.people import HOME
from assets.inventory.agents.protocol import Message
from assets.inventory.agents.service import report
from assets.inventory.observed.proposals import find_duplicates

SOFTWARE = ("GLPI-Agent_v1.11", "FusionInventory-Agent_v2.6")
REPORTED = 24  # computers that have an agent
MISREAD = 3  # which of them has a letter wrong in the register
TWICE = 5  # which of them has the serial number that another of its model has in the register
GUEST = "LAPTOP-MUON"


async def write_seen(tx: Connection, now: datetime) -> int:
    """Let them report, by the verb itself, then look for records that may be one; answers how many reported."""
    rows = await tx.fetch(
        "select a.tag, a.serial, m.manufacturer, m.name as model, s.code from assets a join asset_models m on m.id = a.model "
        "join asset_categories c on c.id = m.category join sites s on s.id = a.site where c.serves = 'computer' "
        "and a.stage = 'in_use' and a.serial <> '' order by (s.code <> $1), s.code, a.tag limit $2", HOME, REPORTED,
    )  # fmt: skip
    for number, row in enumerate(rows):
        mac, at = f"a4:bb:6d:{number // 256:02x}:{number % 256:02x}:5e", now - timedelta(hours=2, minutes=7 * number)
        told = (row["tag"], row["code"], row["manufacturer"], row["model"])
        await _report(*told, row["serial"], mac, number, at)
        if number == MISREAD:
            await _report(*told, f"{row['serial'][:-1]}{'B' if row['serial'][-1] == '8' else '8'}", mac, number, at)
        if number == TWICE and (
            other := next((r for r in rows if r["model"] == row["model"] and r["tag"] != row["tag"]), None)
        ):
            await _report(*told, other["serial"], mac, number, at)
    await _report(
        GUEST, HOME, "Acer", "Aspire A315-59", "NXK6TSV00734", "d0:8e:79:11:22:33", REPORTED, now - timedelta(hours=1)
    )
    await find_duplicates(now)
    return len(rows) + 1


async def _report(
    name: str, site: str, maker: str, model: str, serial: str, mac: str, number: int, at: datetime
) -> None:  # fmt: skip
    sections = {
        "bios": [{"smanufacturer": maker, "smodel": model, "ssn": serial}],
        "hardware": [{"name": name.replace("/", "-"), "memory": "8192"}],
        "operatingsystem": [{"full_name": "Microsoft Windows 11 Pro", "version": "10.0.22631"}],
        "networks": [
            {"mac": mac, "ipaddress": f"10.66.{number // 200}.{number % 200 + 20}", "description": "Ethernet"}
        ],
        "storages": [{"model": "SSD 256 GB", "disksize": "256060", "type": "SSD"}],
        "monitors": [{"manufacturer": "Dell", "caption": "P2219H", "serial": f"CN0VD{number:04}"}],
    }
    software = SOFTWARE[number % len(SOFTWARE)]
    message = Message(
        "inventory", f"{name}-2026-01-05-08-00-00", "json", tag=site, software=software, sections=sections
    )
    await report(SYSTEM, message, now=at)
