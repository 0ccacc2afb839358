"""`scribe status`: what happens now and what is still to be sent."""

from collections.abc import Mapping
from typing import Any

import click

from scribe_desktop.cli.host import running_host
from scribe_desktop.cli.screen import Screen, clock_text, parts
from scribe_desktop.cli.shell import Shell, json_option, open_shell
from scribe_desktop.model import CaptureState
from scribe_desktop.room import Room


@click.command("status", help="Say what is being recorded and what is still to be sent.")
@json_option
@click.pass_obj
def command(environ: Mapping[str, str], *, as_json: bool) -> int:
    """Read the status of the running instance, or of the spool without one."""
    shell = open_shell(environ)
    screen = Screen(as_json=as_json)
    status = status_of(shell)
    screen.result(status)
    if not as_json:
        for line in lines_of(status):
            screen.say(line)
    return 0


def status_of(shell: Shell) -> dict[str, Any]:
    """The running instance's status; else `running: false` with the spool's counters."""
    host = running_host(shell)
    counters = _counters(shell)
    if host is None:
        return {"running": False, "server": shell.settings.server, **counters}
    reply = host.ask("status")
    reply.pop("ok", None)
    return {**reply, **counters}


def lines_of(status: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    waiting = f"{parts(status['pending'])} to send, {status['awaitingReceipt']} receipts to come."
    if not status["running"]:
        return ["Scribe does not run.", waiting]
    capture, sync = status["capture"], status["sync"]
    lines = ["Nothing is being recorded."]
    if capture["state"] != CaptureState.IDLE:
        words = f"{capture['state'].capitalize()} '{capture['title']}'"
        lines = [f"{words}, {clock_text(capture['samples'])} ({capture['sessionId']})."]
    lines.append(f"Sending: {sync['state']} ({status['server'] or 'no server'}). {waiting}")
    troubles = (sync["error"], status["serverFailure"])
    return [*lines, *(text for text in troubles if text), *storage_lines(status)]


def storage_lines(status: Mapping[str, Any]) -> list[str]:
    """Where the running instance keeps recordings, and what it has found at its start.

    One older than this says nothing of it.
    """
    moved = [f"Kept elsewhere for a while: {words}" for words in status.get("takenOver", [])]
    damaged = [f"A damaged file was put aside. {words}" for words in status.get("salvaged", [])]
    told = [status.get("storage", ""), room_words(status.get("room"))]
    return [*(text for text in told if text), *damaged, *moved]


def room_words(room: Mapping[str, int] | None) -> str:
    """How much more sound fits; empty when it was not looked at yet."""
    return "" if room is None else Room(room["free"], room["minutes"]).words


def _counters(shell: Shell) -> dict[str, int]:
    with shell.reading() as spool:
        if spool is None:
            return {"pending": 0, "awaitingReceipt": 0, "sessions": 0}
        return {
            "pending": spool.pending(),
            "awaitingReceipt": len(spool.sessions_awaiting_receipt()),
            "sessions": len(spool.sessions()),
        }
