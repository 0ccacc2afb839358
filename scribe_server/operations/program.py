"""The command line: `scribe-server [serve flags]` and its other commands."""

import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click

from scribe_server import __version__
from scribe_server.errors import ConfigError, StartupError
from scribe_server.media.build import HELPER_COMMAND
from scribe_server.operations.flags import SERVE_FLAGS, config_of, flags
from scribe_server.operations.serve import serve
from scribe_server.operations.tokens import tokens
from scribe_server.store.errors import StorageError

EXIT_CONFIG: Final = 2
EXIT_START: Final = 1


@click.group(invoke_without_command=True)
@click.version_option(__version__)
@flags(SERVE_FLAGS)
@click.option("--announce", is_flag=True, help="Print one line of JSON when listening.")
@click.option("--child", is_flag=True, help="Take a token from stdin and end with it.")
@click.pass_context
def program(ctx: click.Context, /, **values: Any) -> None:
    """Scribe's server: keeps recordings and proves that nothing was lost."""
    if ctx.invoked_subcommand is None:
        serve(config_of(values))


program.add_command(tokens)


@program.command(HELPER_COMMAND, hidden=True)
@click.argument("descriptor", type=int)
def stitch_helper(descriptor: int) -> None:
    """Put a session's chunks together; run by the server itself."""
    from scribe_server.media.stitch import main

    sys.exit(main(descriptor))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line; our errors become a sentence and an exit code."""
    try:
        program(arguments, prog_name="scribe-server")
    except ConfigError as error:
        _fail(error.message, EXIT_CONFIG)
    except StartupError as error:
        _fail(f"{error.message}\n{error.remedy}", EXIT_START)
    except StorageError as error:
        _fail(f"The database cannot be used: {error}", EXIT_START)
    sys.exit(0)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)
