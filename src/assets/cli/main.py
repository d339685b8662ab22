"""The list of commands. Each is imported when it is called, so that a collector needs no server to be installed."""

import sys
from importlib import import_module
from keyword import iskeyword

import rich_click as click

from assets import __version__, heap, occasion
from assets.errors import AssetsError

COMMANDS = {
    "demo": ("assets.cli.demo", "Everything on one machine, with a believable fleet of simulated devices."),
    "serve": ("assets.cli.serve", "The service, with a worker and a collector of its own."),
    "work": ("assets.cli.work", "One more worker against the same database."),
    "collect": ("assets.collector.command", "A collector alone, at a site."),
    "probe": ("assets.probing.command", "Identify and read one device."),
    "check-probes": ("assets.probing.command", "Check all probe profiles."),
    "migrate": ("assets.cli.administer", "Bring the database to this version."),
    "user": ("assets.cli.administer", "Add people."),
    "token": ("assets.cli.administer", "Make bearer tokens."),
    "collector": ("assets.cli.administer", "Enrol collectors."),
    "credential": ("assets.cli.administer", "Keep what devices are asked with."),
    "import": ("assets.cli.import_file", "Plan the import of a file, and apply it when told to."),
    "backup": ("assets.cli.backup", "Write everything in the database to one file."),
    "restore": ("assets.cli.backup", "Put a backup back, or try whether it could be."),
    "verify-audit": ("assets.cli.verify_audit", "Find any change of the audit trail."),
    "units": ("assets.cli.administer", "Load administrative units from a file."),
}
NEEDS_SERVER = "this command needs the server's packages: pip install 'commune-assets[server]'"


class Lazy(click.RichGroup):
    """A group that knows its commands by name and imports one when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        try:
            name = cmd_name.replace("-", "_")
            with heap.building():
                found = getattr(import_module(module), f"{name}_" if iskeyword(name) else name)
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.startswith("assets"):
                raise
            raise click.ClickException(f"{error.name} is not installed; {NEEDS_SERVER}") from error
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for --help, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assets")
@click.pass_context
def group(context: click.Context) -> None:
    """Equipment, lines, accounts and requests of commune-level public administrative service centres."""
    # Not in the log: a service would say "serve" in each of its lines.
    context.with_resource(occasion.during(f"command/{context.invoked_subcommand}", logged=False))


def main() -> None:
    """Run the command line; our own errors become one sentence and exit code 1."""
    try:
        group(prog_name="assets")
    except AssetsError as error:
        click.echo(f"assets: {error.detail}", err=True)
        sys.exit(1)
