"""`scribe delete`: a recording goes from this computer, once the server confirms that it has it."""

import sys
import time
from collections.abc import Mapping
from typing import Any, Final

import click

from scribe_desktop.cli.host import Host, working
from scribe_desktop.cli.interrupts import Interrupts
from scribe_desktop.cli.screen import Screen
from scribe_desktop.cli.shell import json_option, open_shell
from scribe_desktop.errors import NotDeliveredError, UsageError
from scribe_desktop.library.sessions import find_session

AGAIN_S: Final = 0.2


@click.command("delete", help="Delete the recording whose id begins so from this computer.")
@click.argument("prefix", metavar="ID")
@click.option("--accept-loss", is_flag=True, help="Delete also what is not known to be elsewhere.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), default=10.0, metavar="S",
              show_default=True, help="How long to wait for the server's word.")  # fmt: skip
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str], *, prefix: str, accept_loss: bool, timeout_s: float, as_json: bool
) -> int:
    """Ask the server, ask the person when sound would be lost, delete."""
    shell = open_shell(environ)
    screen = Screen(as_json=as_json)
    with shell.reading() as spool:
        if spool is None:
            raise UsageError("No such recording", "There are no recordings yet.")
        session = find_session(spool.sessions(), prefix)
    with working(shell) as (work, interrupts):
        reply = delete_confirmed(work.host, session.session_id, timeout_s, interrupts)
        lost_ms = 0
        if not reply["deleted"]:
            lost_ms = reply["lostMs"]
            _must_be_agreed(reply["message"], accept_loss=accept_loss)
            work.host.ask("delete", sessionId=session.session_id, acceptedLossMs=lost_ms)
    screen.say(f"“{session.title}” is deleted from this computer.")
    screen.result({"sessionId": session.session_id, "deleted": True, "lostMs": lost_ms})
    return 0


def delete_confirmed(
    host: Host, session_id: str, timeout_s: float, interrupts: Interrupts
) -> dict[str, Any]:
    """Try to delete without losing anything, again until the server has spoken; the last reply."""
    deadline = time.monotonic() + timeout_s
    while True:
        reply = host.ask("delete", sessionId=session_id)
        if reply["deleted"] or time.monotonic() > deadline or interrupts.wait(AGAIN_S):
            return reply


def _must_be_agreed(message: str, *, accept_loss: bool) -> None:
    if accept_loss:
        return
    if sys.stdin.isatty() and click.confirm(f"{message} Delete all the same?", err=True):
        return
    raise NotDeliveredError(
        "Only on this computer", message,
        "Nothing was deleted. Send it with: scribe sync --once; to lose it: --accept-loss.",
    )  # fmt: skip
