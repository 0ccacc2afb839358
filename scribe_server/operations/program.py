"""The command line: `scribe-server [serve flags]` and its other commands."""

import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click

from scribe_server import __version__
from scribe_server.errors import ConfigError, StartupError
from scribe_server.media.build import HELPER_COMMAND
from scribe_server.operations.doctor import doctor
from scribe_server.operations.flags import SERVE_FLAGS, config_of, flags
from scribe_server.operations.retention import retention
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
program.add_command(doctor)
program.add_command(retention)


@program.command(HELPER_COMMAND, hidden=True)
@click.argument("descriptor", type=int)
def stitch_helper(descriptor: int) -> None:
    """Put a session's chunks together; run by the server itself."""
    from scribe_server.media.stitch import main

    sys.exit(main(descriptor))


@program.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def loadtest(arguments: tuple[str, ...]) -> None:
    """Put a server under load, and prove that it lost nothing."""
    from scribe_server.loadtest.command import loadtest as command

    code = command.main(list(arguments), prog_name="scribe-server loadtest", standalone_mode=False)
    sys.exit(code if isinstance(code, int) else 0)


@program.command("loadtest-worker", hidden=True)
def loadtest_worker() -> None:
    """Send one part of a load test; run by the load test itself."""
    from scribe_server.loadtest.worker import main

    sys.exit(main())


@program.command("loadtest-server", hidden=True)
@click.option("--user", required=True)
@click.option("--sync-delay-ms", type=click.FloatRange(0), default=0)
@click.option("--data-dir", "DATA_DIR", required=True)
@click.option("--port", "PORT", default="0")
def loadtest_server(user: str, sync_delay_ms: float, **values: str) -> None:
    """Serve one load test, from a disk that may be slow; run by the load test itself."""
    from scribe_server.loadtest.slow import SlowFiles

    config = config_of({**values, "announce": True, "child": True})
    files = SlowFiles(sync_delay_ms / 1000) if sync_delay_ms else None
    serve(config, child_user=user, files=files)


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
