"""Backups on a real PostgreSQL: what comes back is what was kept, and whatever goes wrong changes nothing."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import pytest

from assets import db
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Role
from assets.access.tokens import NewToken, actor_of_token, create_token
from assets.audit import sealer
from assets.backup import archive, service
from assets.backup.programs import ProgramFailed, _without_password
from assets.clock import now
from assets.errors import AssetsError, Conflict
from assets.ids import new_id
from assets.monitoring import credentials
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.probing.contract import Community
from assets.vault import KEY_FILE, Vault
from tests.conftest import connected, empty
from tests.services.test_commands import run

SECRET = "chuoi-bi-mat-4711"


@dataclass(frozen=True)
class Kept:
    """A database with something in it, its key, and the backup of it."""

    dsn: str
    home: Path
    file: Path
    token: str

    @property
    def vault(self) -> Vault:
        """The vault with the key."""
        return Vault.open(self.home)


@pytest.fixture(scope="module")
async def kept(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kept]:
    """Some places, a person with a token, a sealed credential and a sealed trail, backed up by command."""
    home = tmp_path_factory.mktemp("home")
    await connected(migrated)
    async with db.transaction(db.EVERYTHING) as tx:
        await empty(tx)
    await places.load_units(SYSTEM, parse(shipped())[:4])
    await places.open_centres(SYSTEM)
    await access.add_user(SYSTEM, access.NewUser(name="lan", role=Role.PROVINCE_IT, display_name="Đặng Lan"))
    secret = Community(id=new_id(), community=SECRET)
    await credentials.add_credential(SYSTEM, "Máy in", secret, vault=Vault.open(home))
    token = await create_token(SYSTEM, NewToken("lan"), now=now())
    await sealer.seal(since=sealer.EVER, now=now())  # whatever is not sealed after a while is found to be wrong
    file = home / "đêm nay.backup"
    code, out, error = await run(migrated, home, "backup", str(file))
    assert (code, "is not in it" in out) == (0, True), error
    yield Kept(migrated, home, file, token)
    await asyncio.wait_for(db.disconnect(), 10)


class Elsewhere:
    """Empty databases on the same server, gone after the test."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self._count, self._made = dsn, itertools.count(), list[str]()

    async def make(self) -> str:
        """The DSN of a new one."""
        name = f"{urlsplit(self.dsn).path[1:]}_restored_{next(self._count)}"
        await self._do(f"drop database if exists {name} with (force)", f"create database {name}")
        self._made.append(name)
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{name}"))

    async def end(self) -> None:
        """Drop what was made."""
        await self._do(*(f"drop database if exists {name} with (force)" for name in self._made))

    async def _do(self, *statements: str) -> None:
        owner = await asyncpg.connect(self.dsn)
        for statement in statements:
            await owner.execute(statement)
        await owner.close()


@pytest.fixture
async def elsewhere(migrated: str) -> AsyncIterator[Elsewhere]:
    """Where to restore to."""
    made = Elsewhere(migrated)
    yield made
    await made.end()


async def count(dsn: str, table: str) -> int | None:
    """Rows of a table, None without one."""
    owner = await asyncpg.connect(dsn)
    try:
        return await owner.fetchval(f"select count(*) from {table}")
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await owner.close()


async def test_what_is_restored_elsewhere_is_what_was_kept_and_lets_the_same_people_in(
    kept: Kept, elsewhere: Elsewhere
) -> None:
    assert kept.file.stat().st_mode & 0o777 == 0o600
    assert (kept.home / KEY_FILE).read_bytes().strip() not in kept.file.read_bytes()
    there = await elsewhere.make()
    code, out, error = await run(there, kept.home, "restore", str(kept.file))
    assert (code, "1 secrets open" in out) == (0, True), error
    assert await count(there, "sites") == await count(kept.dsn, "sites") == 4
    async with db.owning(there):
        actor = await actor_of_token(kept.token, origin="", now=now())
        assert (actor and actor.roles) == {Role.PROVINCE_IT}
        async with db.transaction(db.EVERYTHING) as tx:
            row = await tx.fetchrow("select id, secret from credentials")
            said = await tx.fetchrow("select subject_name, action from audit_events order by at desc limit 1")
        assert row is not None
        opened = credentials.read(kept.vault, row["id"], row["secret"])
        assert isinstance(opened, Community)
        assert opened.community.get_secret_value() == SECRET
        assert tuple(said or ()) == (kept.file.name, "restore")
    code, out, _ = await run(there, kept.home, "verify-audit")
    assert (code, "whole" in out) == (0, True)


async def test_a_backup_is_tried_without_touching_what_is_there(kept: Kept) -> None:
    before = await count(kept.dsn, "audit_events")
    code, out, error = await run(kept.dsn, kept.home, "restore", "--check", str(kept.file))
    assert (code, f"{kept.file} can be restored" in out) == (0, True), error
    assert await count(kept.dsn, "audit_events") == before
    code, _, error = await run(kept.dsn, kept.home, "backup", str(kept.file))
    assert (code, "exists already" in error) == (1, True)


async def test_what_was_there_is_kept_before_it_is_replaced_by_what_one_moment_held(
    kept: Kept, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """The second backup is taken while somebody works in what the first one brought back."""
    there, third = await elsewhere.make(), await elsewhere.make()
    await service.restore(there, kept.vault, kept.file, replaced=None, now=now())
    owner, ended = await asyncpg.connect(there), asyncio.Event()

    async def work() -> int:
        times = 0
        while not ended.is_set():
            await owner.execute("update sites set name = left(name, 40) || '!'")
            times += 1
        return times

    working = asyncio.create_task(work())
    await service.take(there, kept.vault, tmp_path / "busy.backup", now=now())
    with pytest.raises(Conflict, match=r"in use \(.*unnamed\)"):
        await service.restore(there, kept.vault, kept.file, replaced=tmp_path / "no.backup", now=now())
    ended.set()
    assert await working > 1
    await owner.close()
    with pytest.raises(Conflict, match="--replace"):
        await service.restore(there, kept.vault, tmp_path / "busy.backup", replaced=None, now=now())
    before = tmp_path / "before.backup"
    done = await service.restore(there, kept.vault, tmp_path / "busy.backup", replaced=before, now=now())
    assert (done.kept, done.wrong) == (before, [])
    await service.restore(third, kept.vault, before, replaced=None, now=now())
    owner = await asyncpg.connect(third)
    assert await owner.fetchval("select bool_and(name like '%!') from sites")
    await owner.close()


async def test_another_programs_tables_are_never_replaced(kept: Kept, elsewhere: Elsewhere, tmp_path: Path) -> None:
    foreign = await elsewhere.make()
    owner = await asyncpg.connect(foreign)
    await owner.execute("create table theirs (id int)")
    await owner.close()
    with pytest.raises(Conflict, match="another program"):
        await service.restore(foreign, kept.vault, kept.file, replaced=tmp_path / "b.backup", now=now())
    assert await count(foreign, "theirs") == 0


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda data: data[:4000], "cut off|cannot be read|damaged"),
        (lambda data: data[:-9000], "cut off"),
        (lambda data: data[:3000] + bytes([data[3000] ^ 1]) + data[3001:], "damaged"),
        (lambda data: b"nothing of ours", "no backup"),
        (lambda data: data.replace(b'"form": 1', b'"form": 9'), "form 9"),
        (lambda data: data.replace(b'"0001-tables"', b'"9001-tables"'), "9001-tables"),
    ],
)
async def test_a_file_that_is_not_whole_or_too_new_is_refused(
    kept: Kept, tmp_path: Path, harm: Callable[[bytes], bytes], said: str
) -> None:
    harmed = tmp_path / "b.backup"
    harmed.write_bytes(harm(kept.file.read_bytes()))
    with pytest.raises(AssetsError, match=said):
        service.examine(harmed, kept.vault)


async def test_without_the_key_of_then_nothing_is_changed(kept: Kept, elsewhere: Elsewhere, tmp_path: Path) -> None:
    there = await elsewhere.make()
    code, _, error = await run(there, tmp_path, "restore", str(kept.file))
    assert (code, "there is no key" in error, (tmp_path / KEY_FILE).exists()) == (1, True, False)
    with pytest.raises(Conflict, match="put the file assets-key of then"):
        await service.restore(there, Vault.open(tmp_path), kept.file, replaced=None, now=now())
    assert await count(there, "migration") is None


async def test_a_key_that_is_not_the_services_backs_nothing_up(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="opens none of the 1 secrets"):
        await service.take(kept.dsn, Vault.open(tmp_path), tmp_path / "a.backup", now=now())
    code, _, error = await run(kept.dsn, tmp_path / "new", "backup", str(tmp_path / "a.backup"))
    assert (code, "there is no key" in error) == (1, True)
    assert not (tmp_path / "a.backup").exists()


async def test_a_secret_that_does_not_open_is_a_finding_and_everybody_is_signed_out_all_the_same(
    kept: Kept, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    first, there = await elsewhere.make(), await elsewhere.make()
    await service.restore(first, kept.vault, kept.file, replaced=None, now=now())
    owner = await asyncpg.connect(first)
    lost = Vault.open(tmp_path).seal("x", bound_to="credentials.secret:0")
    await owner.execute(
        "insert into credentials select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'name', 'old', "
        "'secret', $1::text))).* from credentials c", lost,
    )  # fmt: skip
    await owner.close()
    await service.take(first, kept.vault, tmp_path / "a.backup", now=now())
    done = await service.restore(there, kept.vault, tmp_path / "a.backup", replaced=None, now=now())
    assert (done.secrets, len(done.wrong)) == (1, 1)
    assert done.wrong[0].startswith("secret: credentials.secret:")
    assert await count(there, "audit_events where action = 'restore'") == 2


@pytest.mark.parametrize(
    ("dsn", "shown", "secret"),
    [
        ("postgresql://a:b%20c@h:5/d?sslmode=require", "postgresql://a@h:5/d?sslmode=require", "b c"),
        ("postgresql:///d?host=/run/postgresql&password=x", "postgresql:///d?host=%2Frun%2Fpostgresql", "x"),
        ("postgresql://a@/d?options=-c%20jit%3Doff", "postgresql://a@/d?options=-c%20jit%3Doff", None),
    ],
)
def test_a_password_is_told_by_the_environment_alone(dsn: str, shown: str, secret: str | None) -> None:
    given, environment = _without_password(dsn)
    assert (given, environment.get("PGPASSWORD")) == (shown, secret)


async def test_a_dump_that_ends_too_early_is_rolled_back_whole(
    kept: Kept, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    there, told = await elsewhere.make(), archive.read(kept.file)
    dump = b"".join(archive.dump_of(kept.file))
    for name, cut in (("most of it", dump[:-20_000]), ("nothing", b"")):
        archive.write(tmp_path / name, [cut], told)
        with pytest.raises(ProgramFailed, match="pg_restore failed"):
            await service.restore(there, kept.vault, tmp_path / name, replaced=None, now=now())
        assert await count(there, "migration") is None, name


async def test_what_came_back_otherwise_is_named(kept: Kept, elsewhere: Elsewhere, tmp_path: Path) -> None:
    there, told = await elsewhere.make(), archive.read(kept.file)
    lied = {**told.tables, "users": told.tables["users"].model_copy(update={"fingerprint": "1"})}
    archive.write(tmp_path / "b", archive.dump_of(kept.file), told.model_copy(update={"tables": lied}))
    done = await service.restore(there, kept.vault, tmp_path / "b", replaced=None, now=now())
    assert done.wrong == ["users: 1 rows were kept, 1 are there, with other values"]
    assert await count(there, "audit_events where action = 'restore'") == 1


async def test_when_the_database_refuses_then_its_own_words_are_told(kept: Kept, elsewhere: Elsewhere) -> None:
    there = await elsewhere.make()
    owner = await asyncpg.connect(there)
    await owner.execute(
        "create schema kept; create function kept.stop() returns event_trigger language plpgsql as "
        "'begin raise ''no room''; end'"
    )
    await owner.execute(
        "create event trigger stop on ddl_command_start when tag in ('CREATE TABLE') execute function kept.stop()"
    )
    await owner.close()
    with pytest.raises(ProgramFailed, match=r"(?s)psql failed.*no room"):
        await service.restore(there, kept.vault, kept.file, replaced=None, now=now())
    assert await count(there, "migration") is None


async def test_a_login_that_owns_only_its_database_restores_and_backs_up(
    kept: Kept, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    parts = urlsplit(await elsewhere.make())
    name, login = parts.path[1:], f"owner_of_{parts.path[1:]}"
    owner = await asyncpg.connect(kept.dsn)
    await owner.execute(f"create role {login} login password 'mật khẩu'")
    try:
        await owner.execute(f"grant assets_app to {login}; alter database {name} owner to {login}")
        place = f"{login}:{quote('mật khẩu')}@{parts.netloc.rpartition('@')[2]}"
        plain = urlunsplit(parts._replace(netloc=place))
        await service.restore(plain, kept.vault, kept.file, replaced=None, now=now())
        told = await service.take(plain, kept.vault, tmp_path / "b.backup", now=now())
        assert told.tables["sites"].rows == 4
    finally:
        await owner.execute(f"drop database {name} with (force)")
        await owner.execute(f"drop role {login}")
        await owner.close()


def test_nothing_is_left_where_the_file_cannot_be_written(kept: Kept, tmp_path: Path) -> None:
    told = archive.read(kept.file)
    with pytest.raises(archive.NoBackup, match="cannot be written"):
        archive.write(Path("/dev/full/a.backup"), [b"x"], told)

    def full() -> Iterator[bytes]:
        yield b"x"
        raise OSError(28, "No space left on device")

    with pytest.raises(archive.NoBackup, match="No space left"):
        archive.write(tmp_path / "a.backup", full(), told)
    assert list(tmp_path.iterdir()) == []


def test_where_there_are_no_hard_links_the_file_gets_its_name_all_the_same(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    told = archive.write(tmp_path / "a.backup", archive.dump_of(kept.file), archive.read(kept.file))
    assert archive.read(tmp_path / "a.backup") == told
    with pytest.raises(archive.NoBackup, match="exists already"):
        archive.write(tmp_path / "a.backup", [b""], told)


async def test_an_empty_database_has_nothing_to_keep(kept: Kept, elsewhere: Elsewhere, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="nothing of this program"):
        await service.take(await elsewhere.make(), kept.vault, tmp_path / "a.backup", now=now())
