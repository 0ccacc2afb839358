"""The program `scribe`: its commands, and what an error becomes."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from typing_extensions import override

from scribe_desktop import __version__
from scribe_desktop.errors import ScribeError
from scribe_desktop.log import redact

COMMANDS: Final[Mapping[str, str]] = {
    "gui": "Open the window (this happens without a command, too).",
    "record": "Record, and keep every part safe.",
    "toggle": "Stop the running recording, or start one.",
    "status": "Say what is being recorded and what is still to be sent.",
    "sessions": "List the recordings.",
    "sync": "Send what has not been sent.",
    "export": "Write a recording into one sound file.",
    "verify": "Check a recording against the server's signed receipt.",
    "delete": "Delete a recording from this computer, once the server has confirmed it.",
    "devices": "List the microphones.",
    "login": "Keep a server's token in the system's keyring, and use that server.",
    "logout": "Forget a server's token.",
    "doctor": "Check everything that Scribe needs.",
    "selftest": "Make the faults that Scribe promises to survive, and show that nothing is lost.",
}

EXIT_CODES: Final[Mapping[int, str]] = {
    0: "done (a recording that Ctrl+C or SIGTERM ended is complete, too)",
    1: "something else is wrong; the message says what",
    2: "an option, argument or setting does not fit",
    3: "sound cannot be captured, read or written",
    4: "a recording runs already",
    5: "the server refused for good, or a receipt does not hold; the audio is kept here",
    6: "not delivered yet: time-out or Ctrl+C while waiting; everything is safe here",
    7: "the recordings on this computer cannot be opened or written",
    8: "a server or a running Scribe cannot be reached",
}


class Program(click.Group):
    """A group that imports a command's module when the command is asked for."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which a person meets them."""
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"scribe_desktop.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    @override
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), words) for code, words in EXIT_CODES.items()])


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="scribe")
@click.pass_context
def scribe(ctx: click.Context) -> Any:
    """Record meetings; prove that nothing was lost.

    SCRIBE_HOME puts everything that Scribe keeps below one folder.
    """
    window = scribe.get_command(ctx, "gui")
    if ctx.invoked_subcommand is None and window is not None:
        return ctx.invoke(window)
    return None


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; its exit code (see EXIT_CODES)."""
    try:
        result = scribe.main(
            list(arguments), prog_name="scribe", standalone_mode=False, obj=environ
        )
    except ScribeError as error:
        tell(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Given up.", err=True)
        return 1
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def tell(error: ScribeError) -> None:
    """Say on stderr what is wrong and what to do about it."""
    click.echo(redact(f"{error.title}: {error.message}"), err=True)
    if error.remedy:
        click.echo(redact(error.remedy), err=True)


def main() -> None:
    """The program's entry point."""
    sys.exit(run(sys.argv[1:], os.environ))
