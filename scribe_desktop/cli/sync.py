"""`scribe sync --once`: send what has not been sent, then end."""

from collections.abc import Mapping
from typing import Any

import click

from scribe_desktop.cli.follow import wait_for_everything
from scribe_desktop.cli.host import working
from scribe_desktop.cli.screen import Screen, parts
from scribe_desktop.cli.shell import Shell, json_option, open_shell, server_options
from scribe_desktop.errors import RefusedError, UsageError
from scribe_desktop.model import LOST_ON_SERVER, SessionState


@click.command("sync", help="Send what has not been sent, and wait for the receipts.")
@click.option("--once", is_flag=True, help="End when everything is delivered.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="S",
              help="Give up after so many seconds.")  # fmt: skip
@server_options
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str],
    *,
    once: bool,
    timeout: float | None,
    server: str | None,
    insecure: bool,
    as_json: bool,
) -> int:
    """Deliver everything."""
    if not once:
        raise UsageError(
            "Option is missing", "Sending goes on by itself while Scribe runs.",
            "To send what is left and end: scribe sync --once",
        )  # fmt: skip
    shell = open_shell(environ, server=server, insecure=insecure)
    screen = Screen(as_json=as_json)
    try:
        with working(shell) as (work, interrupts), screen.progress() as show:
            shell = work.shell
            work.host.ask("sync")
            wait_for_everything(shell, work, timeout_s=timeout, interrupts=interrupts, show=show)
    finally:
        found = what_is_left(shell)
        screen.result(found)
    return _end(found, screen)


def what_is_left(shell: Shell) -> dict[str, Any]:
    """The spool's counters after sending."""
    with shell.reading() as spool:
        sessions = [] if spool is None else spool.sessions()
        return {
            "pending": 0 if spool is None else spool.pending(),
            "awaitingReceipt": 0 if spool is None else len(spool.sessions_awaiting_receipt()),
            "verified": sum(each.has_receipt for each in sessions),
            "problems": [s.session_id for s in sessions if s.state is SessionState.PROBLEM],
            "lost": [s.session_id for s in sessions if s.refused_code == LOST_ON_SERVER],
        }


def _end(found: Mapping[str, Any], screen: Screen) -> int:
    if found["lost"]:
        raise RefusedError(
            "The server has lost recordings",
            f"It had signed for {', '.join(found['lost'])}; their sound was deleted here since.",
            "Ask those who run the server for a backup; its receipts are kept as evidence.",
        )
    if found["problems"]:
        raise RefusedError(
            "The server refused recordings",
            f"It will not take {', '.join(found['problems'])}; {parts(found['pending'])} to send.",
            "Their sound is kept on this computer and can be exported.",
        )
    screen.say(f"Everything is delivered: {found['verified']} recordings have a signed receipt.")
    return 0
