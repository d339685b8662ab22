"""`assets probe HOST` and `assets check-probes`: the prober for people at a terminal."""

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assets.ids import new_id
from assets.probing.contract import Community, Credential, TargetSpec, User
from assets.probing.door import DeviceError, Door, Peer
from assets.probing.prober import Prober, Seen
from assets.probing.profile import ProfileError, Profiles
from assets.probing.reach import Resolver
from assets.probing.readings import Method, Outcome, Reading
from assets.probing.recording import SUFFIX, BadRecording, Replay, text
from assets.probing.report import EXTRA_SCALARS, Document, Extra, document, extra_columns
from assets.text import clean

if TYPE_CHECKING:
    from assets.probing.recorder import Recorded

PORT = 161
AUTH_KEY_VARIABLE, PRIVACY_KEY_VARIABLE = "ASSETS_V3_AUTH_KEY", "ASSETS_V3_PRIVACY_KEY"
_NOWHERE = ("127.0.0.1", PORT)  # nobody is asked
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_KEY_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("probe")
@click.argument("host")
@click.option("--community", default="public", show_default=True, help="SNMPv2c community.")
@click.option("--v3-user", help="Ask by SNMPv3 as this user.")
@click.option("--v3-auth", type=click.Choice(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]))
@click.option("--v3-privacy", type=click.Choice(["des", "aes128", "aes192", "aes256", "aes192c", "aes256c"]))
@click.option("--v3-auth-key-file", type=_KEY_FILE, help=f"Else {AUTH_KEY_VARIABLE}, else a question.")
@click.option("--v3-privacy-key-file", type=_KEY_FILE, help=f"Else {PRIVACY_KEY_VARIABLE}, else a question.")
@click.option("--timeout", type=click.FloatRange(0.1, 30), default=2.0, show_default=True, help="Seconds per try.")
@click.option("--tries", type=click.IntRange(1, 5), default=2, show_default=True)
@click.option("--profile", default="", help="Use this profile instead of the one that fits.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--record", type=_NEW_FILE, help="Also write a recording without secrets and personal texts to this file."
)
def probe(
    host: str,
    community: str,
    v3_user: str | None,
    v3_auth: Any,
    v3_privacy: Any,
    v3_auth_key_file: Path | None,
    v3_privacy_key_file: Path | None,
    timeout: float,
    tries: int,
    profile: str,
    as_json: bool,
    record: Path | None,
) -> None:
    """Identify and read one device at HOST[:PORT] by SNMP, or a recording of one (HOST is a file *.snmprec).

    Exit code 0: it answered. 1: it was silent, refused the credential, or could not be asked.
    """
    try:
        profiles = Profiles.load()
    except (ProfileError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None
    for broken in profiles.broken.values():
        click.echo(f"left out: {broken.detail}", err=True)
    if profile and profiles.get(profile) is None:
        raise click.BadParameter(f"known are {', '.join(profiles.names())}", param_hint="--profile")
    replayed = _recording(host)
    if replayed and record:
        raise click.UsageError("a recording is not recorded again.")
    if record and record.exists():
        raise click.BadParameter(f"{record} is there already", param_hint="--record")
    credential: Credential = Community(id=new_id(), community=SecretStr(community))
    if v3_user:
        credential = User(
            id=new_id(),
            user=v3_user,
            auth=v3_auth,
            auth_key=_key("Authentication key", AUTH_KEY_VARIABLE, v3_auth_key_file) if v3_auth else None,
            privacy=v3_privacy,
            privacy_key=_key("Privacy key", PRIVACY_KEY_VARIABLE, v3_privacy_key_file) if v3_privacy else None,
        )
    elif v3_auth or v3_privacy:
        raise click.UsageError("--v3-auth and --v3-privacy need --v3-user.")
    if v3_privacy and not v3_auth:
        raise click.UsageError("SNMPv3 privacy needs authentication: give --v3-auth too.")
    address, port = _NOWHERE if replayed else _host_and_port(host)
    try:
        target = TargetSpec(
            id=new_id(),
            name=host,
            address=address,
            port=port,
            method=Method.SNMP,
            profile=profile,
            timeout_seconds=timeout,
            tries=tries,
        )
    except ValidationError as error:
        raise click.BadParameter(error.errors()[0]["msg"], param_hint="HOST[:PORT]") from None
    seen, report, hint = asyncio.run(examine(profiles, target, credential, door=replayed))
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    elif seen.result.identity is not None:
        _print(host, seen, report)
    if seen.result.outcome is not Outcome.ANSWERED:
        click.echo(f"{host}: {seen.result.detail}. {hint}".strip(), err=True)
        sys.exit(1)
    if record:
        _record(record, Peer(address, port, credential, timeout, tries))


@click.command("check-probes")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check_probes(folder: Path | None) -> None:
    """Check every probe profile (of FOLDER, else the installed ones) and say what is wrong with each bad one."""
    try:
        profiles = Profiles.load(folder)
    except (ProfileError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None
    for name in profiles.names():
        found = profiles.get(name)
        assert found is not None
        readings = {r.name for r in found.scalars} | {r.name for t in found.tables for r in t.readings}
        click.echo(f"{name}: {found.title} ({len(readings)} readings, {len(found.limits)} limits)")
    for joining in profiles.joining():
        click.echo(f"+ {joining.name}: {joining.title}")
    if profiles.broken:
        raise click.ClickException("\n".join(error.detail for error in profiles.broken.values()))
    click.echo(f"{len(profiles.names())} profiles are valid, {profiles.hash[:12]}")


async def examine(
    profiles: Profiles, target: TargetSpec, credential: Credential, *, door: Door | None = None
) -> tuple[Seen, Document, str]:
    """(what was seen, the document, what to try if it did not answer); `door` is that of a recording."""
    prober = Prober(profiles, v2c=door, v3=door)
    try:
        seen = await prober.look(target, credential)
        extra = Extra()
        if seen.look is not None and seen.result.identity is not None:
            extra = await _extra(prober, target, credential, seen.result.identity.category)
        return seen, document(seen, extra), await _advice(prober, target, seen, credential)
    finally:
        await prober.close()


async def _extra(prober: Prober, target: TargetSpec, credential: Credential, category: str) -> Extra:
    try:
        scalars = await prober.get(target, credential, EXTRA_SCALARS)
        walked = await prober.columns(target, credential, extra_columns(category))
    except DeviceError:  # the readings are there; what only the document shows may be missing
        return Extra()
    return Extra(scalars, walked.columns)


async def _advice(prober: Prober, target: TargetSpec, seen: Seen, credential: Credential) -> str:
    """A sentence that says what to try, by how the asking ended."""
    outcome = seen.result.outcome
    if outcome is Outcome.WRONG_CREDENTIAL:
        return "Check user, protocols and keys of SNMPv3 on the device."
    if outcome is not Outcome.SILENT:
        return ""
    what = "the community" if isinstance(credential, Community) else "the user"
    try:
        await prober.ping(target.address)
    except DeviceError:
        return "It does not answer a ping either: check power, cable and address."
    return f"It answers a ping: check that SNMP is switched on, {what}, port {target.port}, and filters in between."


def _recording(host: str) -> Replay | None:
    """The door to the recording that HOST names, None for a device."""
    if not host.endswith(SUFFIX):
        return None
    try:
        return Replay.of(Path(host))
    except (OSError, BadRecording) as error:
        raise click.ClickException(str(error)) from None


def _record(file: Path, peer: Peer) -> None:
    """Writes the recording, for its owner only, and says what to look at before it is handed on."""
    try:
        recorded = asyncio.run(_walked(peer))
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(text(recorded.rows))
    except (OSError, DeviceError) as error:
        raise click.ClickException(f"{file}: not recorded: {error}") from None
    click.echo(f"{file}: {len(recorded.rows)} objects, {len(recorded.skipped)} tables left out.", err=True)
    if recorded.cut:
        click.echo(f"It is not complete: {recorded.cut}.", err=True)
    click.echo("Look through the texts in it before you hand it on: a maker may keep secrets anywhere.", err=True)


async def _walked(peer: Peer) -> "Recorded":
    from assets.probing.recorder import record  # pysnmp takes half a second to import

    resolver = Resolver()
    try:
        return await record(replace(peer, address=await resolver.address(peer.address)))
    finally:
        resolver.close()


def _key(question: str, variable: str, file: Path | None) -> SecretStr:
    if file:
        return SecretStr(file.read_text(encoding="utf-8").strip("\r\n"))
    if given := os.environ.get(variable):
        return SecretStr(given)
    return SecretStr(click.prompt(question, hide_input=True, err=True))


def _host_and_port(host: str) -> tuple[str, int]:
    """HOST, HOST:PORT, [V6]:PORT or a bare IPv6 address."""
    name, colon, port = host.rpartition(":")
    if not colon or (":" in name and not name.endswith("]")):
        return host.strip("[]"), PORT
    if not port.isascii() or not port.isdigit() or not name:
        raise click.BadParameter(f"{port!r} is no port", param_hint="HOST[:PORT]")
    return name.strip("[]"), int(port)


def _print(host: str, seen: Seen, report: Document) -> None:
    """A page for people; texts of devices are printed as text, never as markup."""
    console = Console()
    facts = Table(title=Text(host), show_header=False, title_justify="left")
    for key in (
        "outcome",
        "category",
        "vendor",
        "model",
        "serial",
        "firmware",
        "sys_name",
        "sys_location",
        "sys_descr",
    ):
        if report.get(key):
            facts.add_row(key.removeprefix("sys_"), Text(clean(str(report[key]))))
    if seen.result.uptime_seconds is not None:
        facts.add_row("up for", _duration(seen.result.uptime_seconds))
    if seen.result.latency_ms is not None:
        facts.add_row("answered in", f"{seen.result.latency_ms:.1f} ms")
    if report.get("profile"):
        facts.add_row("profile", Text(str(report["profile"])))
    if seen.result.truncated:
        facts.add_row("note", "a walk was cut short: what is missing proves nothing")
    console.print(facts)
    if seen.result.readings:
        table = Table("reading", "of", "value", title="Readings", title_justify="left")
        for reading in seen.result.readings:
            table.add_row(reading.name, Text(reading.label or reading.instance), _value(reading))
        console.print(table)


def _value(reading: Reading) -> str:
    if reading.state is not None:
        return reading.state.replace("_", " ")
    return "not known" if reading.value is None else f"{reading.value:g}"


def _duration(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    return f"{days} d {hours} h" if days else f"{hours} h {rest // 60} min"
