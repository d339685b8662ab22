"""The commands that an administrator types: people, tokens, collectors, units, migrations."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import rich_click as click
from pydantic import SecretStr

from assets import clock, db, occasion
from assets import settings as configuration
from assets.access import service as access
from assets.access.actor import SYSTEM
from assets.access.permissions import Action, Role
from assets.access.tokens import DAYS, DAYS_MAX, NewToken, create_token
from assets.cli.runtime import find_database, opened
from assets.clock import end_of_day
from assets.errors import NotFound
from assets.ids import new_id
from assets.monitoring import collectors, credentials
from assets.places import changes
from assets.places import service as places
from assets.places.units import parse, shipped
from assets.probing.contract import Community, User
from assets.vault import Vault

T = TypeVar("T")


def in_database(act: Callable[[], Awaitable[T]]) -> T:
    """Do something with the database of this installation, and answer what it answers."""
    settings = configuration.load()
    dsn = find_database(settings)

    async def run() -> T:
        async with opened(settings, dsn):
            return await act()

    context = click.get_current_context()
    assert context is not None
    with occasion.during(f"command/{context.command_path.removeprefix('assets ')}"):
        return asyncio.run(run())


@click.command()
def migrate() -> None:
    """Bring the database to this version."""

    async def nothing() -> None:
        return None

    in_database(nothing)
    click.echo("The database is at this version.")


@click.group()
def user() -> None:
    """People."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(r) for r in Role]), required=True, help="What the person is.")
@click.option("--unit", default="", help="5-digit code of the commune; without it the whole province.")
@click.option("--site", default="", help="Code of one site, in place of a unit.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day of the role, such as a volunteer's.")
@click.option("--display-name", default="", help="The name that people see.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the password from a file.",
)
@click.option("--own-password", is_flag=True, help="The person typed it: it need not be changed at the first sign-in.")
def add_user(
    name: str, role: str, unit: str, site: str, until: datetime | None, display_name: str, password_file: Path | None,
    own_password: bool,
) -> None:  # fmt: skip
    """Add a person; the password is asked for, or read from a file. It is an initial one, to be changed at once."""
    password = (
        password_file.read_text(encoding="utf-8").strip()
        if password_file
        else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    new = access.NewUser(
        name=name, role=Role(role), password=password, unit=unit, site=site, display_name=display_name,
        ends_at=end_of_day(until.date()) if until else None, must_change=not own_password,
    )  # fmt: skip
    in_database(lambda: access.add_user(SYSTEM, new))
    click.echo(f"{name} may sign in as {role}.")


@user.command("reset")
@click.argument("name")
@click.option("--second-factor", is_flag=True, help="Take the second factor away too: the telephone is lost.")
def reset_user(name: str, second_factor: bool) -> None:
    """Give a person a new initial password; it is the last word printed. Their sessions end."""

    async def reset() -> str:
        if second_factor:
            await access.remove_second_factor(SYSTEM, name)
        return await access.initial_password(SYSTEM, name, now=clock.now())

    made = in_database(reset)
    click.echo(f"Initial password of {name}, shown this once and good for {access.INITIAL.days} days:")
    click.echo(made)


@click.group()
def token() -> None:
    """Bearer tokens."""


@token.command("create")
@click.option("--user", "user_name", required=True, help="Whose token it is.")
@click.option("--title", default="", help="What it is for.")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=DAYS, show_default=True, help="How long it holds.")
@click.option(
    "--action", "actions", multiple=True, type=click.Choice([str(a) for a in Action]), help="No more than this."
)
@click.option("--site", "sites", multiple=True, help="Only at this site (its code).")
def create(user_name: str, title: str, days: int, actions: tuple[str, ...], sites: tuple[str, ...]) -> None:
    """Make a token; it is the last word printed and cannot be read again."""
    made = in_database(
        lambda: create_token(
            SYSTEM, NewToken(user_name, title, days, [Action(a) for a in actions], sites), now=clock.now()
        )
    )
    click.echo(f"Token of {user_name}, shown this once:")
    click.echo(made)


@click.group()
def collector() -> None:
    """Collectors."""


@collector.command("enrol")
@click.argument("site")
def enrol(site: str) -> None:
    """Let a collector ask for SITE (a site's code); its token is the last word printed."""
    made = in_database(lambda: collectors.enrol(SYSTEM, site, now=clock.now()))
    click.echo(f"Token of the collector of {site}, shown this once:")
    click.echo(made)


@collector.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Let the collector called NAME in no more."""

    async def act() -> None:
        async with db.transaction(db.EVERYTHING) as tx:
            found = await tx.fetchval("select id from collectors where name = $1 and revoked_at is null", name)
        if found is None:
            raise NotFound(f"There is no collector called {name}.")
        await collectors.revoke(SYSTEM, found, now=clock.now())

    in_database(act)
    click.echo(f"{name} is let in no more.")


@click.group()
def credential() -> None:
    """What devices are asked with."""


@credential.command("add")
@click.argument("name")
@click.option("--v3-user", help="SNMPv3 user; without it the secret is a v2c community.")
@click.option("--auth", type=click.Choice(["sha1", "sha224", "sha256", "sha384", "sha512", "md5"]), default="sha256")
@click.option(
    "--privacy",
    type=click.Choice(["aes128", "aes192", "aes256", "aes192c", "aes256c", "des", "none"]),
    default="aes128",
)
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the community, or the two keys a line each, from a file instead of asking.",
)
def add_credential(name: str, v3_user: str | None, auth: str, privacy: str, secret_file: Path | None) -> None:
    """Keep a secret under NAME, sealed; its id is the last word printed, for the targets that need it."""
    lines = secret_file.read_text(encoding="utf-8").splitlines() if secret_file else []

    def ask(what: str) -> str:
        return lines.pop(0).strip() if lines else str(click.prompt(what, hide_input=True))

    secret: Community | User
    if v3_user is None:
        secret = Community(id=new_id(), community=SecretStr(ask("Community")))
    else:
        keys = {"auth": auth, "auth_key": ask("Authentication key")}
        if privacy != "none":
            keys |= {"privacy": privacy, "privacy_key": ask("Privacy key")}
        secret = User.model_validate({"id": new_id(), "user": v3_user, **keys})
    vault = Vault.open(configuration.load().home)
    made = in_database(lambda: credentials.add_credential(SYSTEM, name, secret, vault=vault))
    click.echo(f"{name} is kept under the id")
    click.echo(str(made))


@click.group()
def units() -> None:
    """Administrative units."""


@units.command("load")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--open-centres", is_flag=True, help="Give each unit of Quảng Ngãi that has none its centre.")
def load_units(file: Path | None, open_centres: bool) -> None:
    """Load units from a CSV FILE, or the 96 of Quảng Ngãi that ship with the program; none is ever removed."""
    found = parse(file.read_text(encoding="utf-8") if file else shipped())

    async def act() -> tuple[int, int, int]:
        added, changed = await places.load_units(SYSTEM, found)
        await changes.load_origins(SYSTEM)
        return added, changed, await places.open_centres(SYSTEM) if open_centres else 0

    added, changed, opened_now = in_database(act)
    click.echo(
        f"{added} added, {changed} changed, {len(found) - added - changed} the same; {opened_now} centres opened."
    )
