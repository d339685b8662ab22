"""Work in processes of their own: what breaks there is said, costs the service nothing, and leaves nothing behind."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from asyncio.subprocess import DEVNULL, PIPE
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from assets import apart, exports
from assets.inventory.batches import apart as files
from assets.inventory.batches import reader
from assets.inventory.batches.reading import Sheet, Unreadable, read_table
from assets.web.cells import Cell

MANY = 2_500  # rows, more than one piece
LARGE = ("tag;note\r\n" + "".join(f"QN-{n};{'x' * 60}\r\n" for n in range(MANY))).encode()


def children(module: str) -> list[int]:
    """The processes of a module that we have started and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(") ")[2].split()[1])
            if parent == os.getpid() and module in (path / "cmdline").read_bytes().decode().split("\0"):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def workbook() -> bytes:
    """Two tables, with days, times, formulas and numbers that a spreadsheet cannot hold, in several pieces each."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name in ("Một", "Hai"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["tag", "note", "day", "at"])
            for row in range(1, MANY):
                sheet.write_row(row, 0, [f"QN-{row}", 2**53 + row if row % 700 == 0 else row / 4])
                sheet.write_datetime(row, 2, date(2024, 1, 1 + row % 28), day)
                sheet.write_datetime(row, 3, datetime(2024, 1, 1, 8, row % 60), day)  # noqa: DTZ001 - sheets know no zones
                if row % 900 == 0:
                    sheet.write_formula(row, 1, "=1+1", None, 2)
    return made.getvalue()


@pytest.mark.parametrize("content", [workbook(), LARGE, LARGE[:5_000]], ids=["workbook", "csv", "small csv"])
async def test_when_a_file_is_read_apart_then_nothing_of_it_is_lost(content: bytes) -> None:
    expected = read_table(content, "")
    found = await files.tables(content)
    assert [(one.name, one.headings, one.font, one.count) for one in found.heads] == [
        (one.name, one.headings, one.font, len(one.rows)) for one in expected
    ]
    pieces: dict[int, list[Sheet]] = {}
    for at, sheet in found.pieces():
        assert len(sheet.rows) <= reader.BLOCK
        pieces.setdefault(at, []).append(sheet)
    found.close()
    for at, whole in enumerate(expected):
        assert [row for piece in pieces[at] for row in piece.rows] == list(whole.rows)
        assert {place for piece in pieces[at] for place in piece.formulas} == whole.formulas
        assert {place for piece in pieces[at] for place in piece.inexact} == whole.inexact
    if len(expected) == 2:
        assert {type(cell) for _, row in expected[0].rows for cell in row} >= {str, int, float, datetime}
        assert expected[1].formulas


def test_days_and_moments_survive_their_way_back() -> None:
    said: list[Cell] = [date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), None, True, 5, 0.1, "$day"]
    assert files.json.loads(reader._line(*said), object_hook=files._day) == said


async def test_when_a_file_cannot_be_read_then_the_reason_comes_back_and_no_process_stays() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<x/>" + " " * (300 << 20))
    for content, said in ((b"PK\x03\x04" + b"\0" * 200, "damaged"), (bomb.getvalue(), "unpacks to more")):
        with pytest.raises(Unreadable) as raised:
            await files.tables(content)
        assert said in raised.value.phrase.english()
    assert not children(reader.__name__)


async def killed(module: str) -> None:
    """Kill the process of a module as soon as it is there."""
    while not (found := children(module)):
        await asyncio.sleep(0.001)
    for process in found:
        os.kill(process, signal.SIGKILL)


async def test_when_the_reading_process_is_killed_or_late_then_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    killing = asyncio.create_task(killed(reader.__name__))
    with pytest.raises(Unreadable) as raised:
        await files.tables(LARGE)
    await killing
    assert raised.value.phrase.text == files.TOO_MUCH
    monkeypatch.setattr(files, "WAIT_SECONDS_MAX", 0.001)
    with pytest.raises(Unreadable) as raised:
        await files.tables(LARGE)
    assert raised.value.phrase.text == files.TOO_MUCH
    assert not children(reader.__name__)


async def test_when_nobody_waits_any_more_then_the_process_ends() -> None:
    reading = asyncio.create_task(files.tables(LARGE))
    while not children(reader.__name__):
        await asyncio.sleep(0.001)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not children(reader.__name__)
    assert files.AT_ONCE.borrowed_tokens == 0


async def test_when_the_service_leaves_a_process_then_it_ends(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        async with apart.started(exports.BINDER, str(tmp_path / "x"), stdin=PIPE, stdout=DEVNULL) as process:
            raise RuntimeError
    assert process.returncode is not None
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("work", "limits", "said"),
    [("x = bytearray(600 << 20)", "300, 60", "MemoryError"), ("while True: pass", "300, 1", "SIG")],
    ids=["memory", "time"],
)
def test_a_process_cannot_take_more_than_its_limits(work: str, limits: str, said: str) -> None:
    program = f"from assets import apart\napart.limit({limits})\n{work}"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert said in (done.stderr if done.returncode > 0 else signal.Signals(-done.returncode).name)


@pytest.mark.parametrize("module", [reader.__name__, exports.BINDER, "assets.papers.filled"])
def test_a_process_of_its_own_loads_nothing_that_only_the_service_needs(module: str) -> None:
    program = f"import sys, {module}\nprint({{'asyncio', 'anyio', 'litestar', 'babel'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n"


def test_when_a_long_list_is_read_then_it_is_in_memory_once() -> None:
    """A list of 3 MB, with names that repeat: 13 MB more than nothing, 33 when each row and each name is there twice."""
    line = "Máy in;Canon;LBP 2900;Trung tâm Phục vụ hành chính công;Quầy 1;Ngân sách tỉnh;Tốt\r\n"
    program = (
        "import sys\n"
        f"from {reader.__name__} import told\n"
        "def peak():\n"
        "    return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) >> 10\n"
        "content, before = sys.stdin.buffer.read(), peak()\n"
        "assert sum(1 for _ in told(content)) == 32\n"
        "print(peak() - before)\n"
    )
    told = ("tag;manufacturer;model;site;room;funding_source;state\r\n" + 30_001 * line).encode()
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], check=True, capture_output=True, input=told, timeout=60
    )
    assert int(done.stdout) < 23


async def test_when_the_writing_process_dies_then_the_workbook_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def fill(take: Any) -> None:
        await take([("QN-1", 1)] * (exports.FEW + 1))
        await killed(exports.BINDER)
        for _ in range(100):
            await take([("QN-2", "x" * 10_000)] * 50)

    with pytest.raises(apart.Ended):
        await anext(exports._xlsx(fill, ["tag", "note"]))
    assert exports.AT_ONCE._value == 4
    assert not children(exports.BINDER)
    assert not list(tmp_path.iterdir())


def lives(process: Path) -> bool:
    try:
        return ") Z" not in (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


SERVICE = """
import asyncio, os, sys
from assets import apart

async def main():
    async with apart.started(sys.argv[1], stdin=0, stdout=1) as process:
        while b"Max cpu time              60" not in open(f"/proc/{process.pid}/limits", "rb").read():
            await asyncio.sleep(0.01)
        print(process.pid, flush=True)
        os._exit(1)

asyncio.run(main())
"""


def test_when_the_service_dies_then_so_does_what_it_has_started() -> None:
    held, end = os.pipe()  # the child would wait for the rest of its file for ever
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE, reader.__name__], stdin=held, stdout=subprocess.PIPE
    ) as service:
        assert service.stdout is not None
        child = Path(f"/proc/{int(service.stdout.readline())}")
        service.wait(60)
        for _ in range(600):
            if not lives(child):
                break
            time.sleep(0.05)
        else:
            pytest.fail("it goes on without anybody")
    os.close(held)
    os.close(end)
