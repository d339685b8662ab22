"""The commands an administrator types, as processes of their own, and the base package without the server."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from assets import db
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.sessions import Owed, Visit, holder_of, sign_in
from assets.access.tokens import actor_of_token
from assets.audit import sealer
from assets.cli.demo import empty_database
from assets.clock import now
from assets.errors import Conflict
from assets.inventory import things
from assets.migrate import migrate
from assets.monitoring import collectors
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.probing import audit_heads
from assets.vault import Vault
from tests.conftest import need

ROOT = Path(__file__).parents[2]


async def run(dsn: str, home: Path, *arguments: str) -> tuple[int, str, str]:
    """`assets …` against a database; answers (exit code, stdout, stderr)."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSETS_")}
    environment |= {"ASSETS_DATABASE_URL": dsn, "ASSETS_HOME": str(home)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assets", *arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()


async def test_when_a_person_and_a_token_are_made_then_both_let_in(database: str, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("mot-mat-khau-dai\n")
    code, _, error = await run(
        database, tmp_path, "user", "add", "lan", "--role", "province_it", "--password-file", str(secret)
    )
    assert code == 0, error
    code, out, error = await run(database, tmp_path, "token", "create", "--user", "lan")
    assert code == 0, error
    actor = await actor_of_token(out.split()[-1], origin="", now=now())
    assert actor is not None
    assert (actor.login, actor.roles) == ("lan", {Role.PROVINCE_IT})
    entered = await sign_in("lan", "mot-mat-khau-dai", Visit(), vault=Vault.open(tmp_path), now=now())
    assert entered.actor.login == "lan"
    holder = await holder_of(entered.cookie, origin="", second_factor=False, now=now())
    assert holder is not None
    assert holder.owed is Owed.PASSWORD
    code, out, error = await run(database, tmp_path, "user", "reset", "lan", "--second-factor")
    assert code == 0, error
    entered = await sign_in("lan", out.split()[-1], Visit(), vault=Vault.open(tmp_path), now=now())
    assert entered.actor.login == "lan"


async def test_when_a_collector_is_enrolled_then_the_last_word_is_its_token(database: str, tmp_path: Path) -> None:
    code, out, error = await run(database, tmp_path, "units", "load", "--open-centres")
    assert (code, out.startswith("96 added, 0 changed")) == (0, True), error
    code, out, error = await run(database, tmp_path, "units", "load", "--open-centres")
    assert out.startswith("0 added, 0 changed, 96 the same; 0 centres opened"), error
    code, out, error = await run(database, tmp_path, "collector", "enrol", "21205")
    assert code == 0, error
    assert await collectors.actor_of(out.split()[-1], origin="") is not None


async def test_when_a_command_changes_something_then_the_audit_event_names_the_command(
    database: str, tmp_path: Path
) -> None:
    code, _, error = await run(database, tmp_path, "units", "load")
    assert code == 0, error
    async with db.transaction(db.EVERYTHING) as tx:
        rows = await tx.fetch("select request, count(*) as count from audit_events group by request")
    [(named, count)] = [tuple(row) for row in rows]
    assert (named, count > 96) == ("command/units load", True)  # 96 units, and where they came from


async def test_when_the_audit_trail_is_verified_then_the_exit_code_says_whether_it_is_whole(
    database: str, tmp_path: Path
) -> None:
    await places.load_units(SYSTEM, parse(shipped()))
    await sealer.seal(since=sealer.EVER, now=now())
    async with db.transaction(db.EVERYTHING) as tx:
        head = await sealer.newest(tx)
    assert head is not None
    elsewhere = tmp_path / "collector.jsonl"
    audit_heads.keep(elsewhere, head)
    code, out, error = await run(database, tmp_path, "verify-audit", "--head", str(elsewhere))
    assert (code, out.count("\n")) == (0, 1), error
    assert out.startswith("The audit trail is whole: 96 events, 96 sealed, 0 too new to be; 1 heads from outside")
    async with db.transaction(db.EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute(
            "update audit_events set reason = 'x' where id = (select event from audit_seals where number = 7)"
        )
        await tx.execute("delete from audit_seals where number = 96")
    code, out, error = await run(database, tmp_path, "verify-audit", "--head", str(elsewhere))
    assert code == 1, error
    assert "event edited: " in out
    assert "sealed under 7" in out
    assert f"trail too short: it ends with seal 95, {elsewhere} knows seal 96" in out
    audit_heads.keep(tmp_path / audit_heads.HEADS_FILE, head)
    _, out, _ = await run(database, tmp_path, "verify-audit")
    assert "knows seal 96" in out, "the home's own heads are read without being named"


async def test_when_a_file_of_heads_is_none_then_the_command_says_so(database: str, tmp_path: Path) -> None:
    nonsense = tmp_path / "x"
    nonsense.write_text("nonsense\n")
    for path in (nonsense, tmp_path / "not there"):
        code, out, error = await run(database, tmp_path, "verify-audit", "--head", str(path))
        assert (code, out) == (1, "")
        assert str(path) in error
        assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "create", "--user", "nobody"), "no active person"),
        (("collector", "enrol", "99999"), "no site with the code 99999"),
        (("demo", "break", "X"), "There is no demo"),
    ],
)
async def test_when_a_command_cannot_be_done_then_it_says_so_in_one_sentence(
    database: str, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, _, error = await run(database, tmp_path, *arguments)
    assert code == 1
    assert said in error
    assert "Traceback" not in error


async def test_when_the_database_does_not_answer_then_that_is_all_it_says(tmp_path: Path) -> None:
    code, _, error = await run("postgresql://x@127.0.0.1:1/x", tmp_path, "migrate")
    assert (code, error.startswith("assets: The database does not answer: "), error.count("\n")) == (1, True, 1), error


@pytest.mark.long
async def test_when_three_processes_migrate_at_once_then_all_of_them_succeed(database: str, tmp_path: Path) -> None:
    async with db.transaction(db.EVERYTHING) as tx, db.as_owner(tx):
        await tx.execute("drop schema public cascade; create schema public")
    results = await asyncio.gather(*(run(database, tmp_path, "migrate") for _ in range(3)))
    assert [code for code, _, _ in results] == [0, 0, 0], results
    await migrate(database)


@pytest.mark.long
def test_when_only_the_base_is_installed_then_a_device_can_be_probed_and_the_server_says_what_it_needs(
    tmp_path: Path,
) -> None:
    uv = need(str(ROOT / ".venv-tools/bin/uv"), "run `make setup`") if not _on_path("uv") else "uv"
    environment = {
        **os.environ,
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "UV_OFFLINE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    for step in (
        ["venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")],
        ["pip", "sync", "--quiet", "--require-hashes", str(ROOT / "requirements/base.txt")],
        ["pip", "install", "--quiet", "--no-deps", "-e", str(ROOT)],
    ):
        # The same indexes as at set-up, so that what it fetched is found again without a network.
        there = ["bash", "-c", '. scripts/indexes.sh; exec "$@"', "-", uv, *step]
        done = subprocess.run(there, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assets = tmp_path / "venv" / "bin" / "assets"
    probe = subprocess.run([assets, "probe", "127.0.0.1:9", "--json"], capture_output=True, text=True, check=False)
    assert probe.returncode == 1
    assert "Traceback" not in probe.stderr
    serve = subprocess.run([assets, "serve"], capture_output=True, text=True, check=False)
    assert serve.returncode == 1
    assert "commune-assets[server]" in serve.stderr


def _on_path(program: str) -> bool:
    from shutil import which

    return which(program) is not None


async def test_when_a_demo_begins_anew_then_what_was_kept_of_the_trail_before_is_set_aside(
    postgres: str, tmp_path: Path
) -> None:
    owner = await asyncpg.connect(postgres)
    await owner.execute("drop database if exists a_demo with (force)")
    await owner.execute("create database a_demo")
    heads, dsn = tmp_path / audit_heads.HEADS_FILE, urlunsplit(urlsplit(postgres)._replace(path="/a_demo"))
    try:
        await empty_database(tmp_path, dsn, now=now())
        assert list(tmp_path.iterdir()) == []
        heads.write_text("before")
        house = await asyncpg.connect(dsn)
        await house.execute("create table users (name text); insert into users values ('lan')")
        with pytest.raises(Conflict):
            await empty_database(tmp_path, dsn, now=now())
        assert heads.read_text() == "before", "real data stays as it is"
        await house.execute("insert into users values ('demo-marker')")
        await house.close()
        await empty_database(tmp_path, dsn, now=datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC))
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
            "audit-heads-until-20261126T010203Z.jsonl": "before"
        }
    finally:
        await owner.execute("drop database a_demo with (force)")
        await owner.close()


@pytest.mark.long
async def test_when_the_login_may_make_no_role_then_it_says_what_to_ask_the_administrator_for(
    database: str, tmp_path: Path
) -> None:
    parts = urlsplit(database)
    place = parts.netloc.rpartition("@")[2]
    owner = await asyncpg.connect(database)
    await owner.execute("drop database if exists plain")
    await owner.execute("drop role if exists plain_login")
    await owner.execute("create role plain_login login password 'plain word'")
    await owner.execute("create database plain owner plain_login")
    try:
        plain = urlunsplit(parts._replace(netloc=f"plain_login:plain%20word@{place}", path="/plain"))
        code, _, error = await run(plain, tmp_path, "migrate")
        assert (code, "grant assets_app to plain_login" in error) == (1, True), error
        await owner.execute("grant assets_app to plain_login")
        code, _, error = await run(plain, tmp_path, "migrate")
        assert code == 0, error
        code, out, error = await run(plain, tmp_path, "units", "load", "--open-centres")
        assert (code, out.startswith("96 added")) == (0, True), error
        code, out, _ = await run(plain, tmp_path, "verify-audit")
        assert (code, "whole" in out) == (0, True)
    finally:
        await owner.execute("drop database plain with (force)")
        await owner.execute("drop role plain_login")
        await owner.close()


@pytest.mark.long
async def test_a_file_is_planned_by_command_and_changes_nothing_until_it_is_applied(
    database: str, tmp_path: Path
) -> None:
    await places.load_units(SYSTEM, parse(shipped())[:5])
    await places.open_centres(SYSTEM)
    await things.add_default_categories(SYSTEM)
    await things.add_model(SYSTEM, things.NewModel("printer", "Canon", "LBP"))
    file = tmp_path / "ds.csv"
    line = "Mã tài sản;Hãng sản xuất;Kiểu máy;Đơn vị\nQN-1;Canon;LBP;{}\n"
    file.write_text(line.format("99999"), encoding="utf-8")
    code, out, error = await run(database, tmp_path, "import", str(file), "--apply")
    assert (code, "There is no site 99999." in out, "all rows or none" in error) == (1, True, True)
    file.write_text(line.format("21025"), encoding="utf-8")
    for arguments, there in (((), 0), (("--apply",), 1), (("--apply",), 1)):
        code, out, error = await run(database, tmp_path, "import", str(file), *arguments)
        assert code == 0, (out, error)
        async with db.transaction(db.EVERYTHING) as tx:
            assert await tx.fetchval("select count(*) from assets") == there
    assert "0 create, 0 change, 1 same, 0 refused" in out
