"""`scribe sessions`: the recordings, newest first."""

from collections.abc import Mapping
from datetime import UTC, datetime

import click

from scribe_desktop.cli.screen import Screen, clock_text
from scribe_desktop.cli.shell import json_option, open_shell
from scribe_desktop.library.sessions import summary_of
from scribe_desktop.model import Session


@click.command("sessions", help="List the recordings, newest first.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@json_option
@click.pass_obj
def command(environ: Mapping[str, str], *, limit: int | None, as_json: bool) -> int:
    """List what the spool holds, without its lock."""
    screen = Screen(as_json=as_json)
    with open_shell(environ).reading() as spool:
        sessions = [] if spool is None else spool.sessions(limit=limit)
        receipts = {
            session.session_id: spool.receipt(session.session_id)
            for session in sessions
            if spool is not None and session.has_receipt
        }
    screen.result([summary_of(each, receipts.get(each.session_id)) for each in sessions])
    if not as_json:
        for line in [line_of(each) for each in sessions] or ["There are no recordings yet."]:
            screen.say(line)
    return 0


def line_of(session: Session) -> str:
    """One recording on one line."""
    began = datetime.fromtimestamp(session.started_at / 1000, UTC).astimezone()
    flag = " (recovered)" if session.recovered else ""
    counts = f"{session.acked_chunks}/{session.chunks} sent"
    state = f"{session.state.value}{flag}"
    return (
        f"{session.session_id}  {began:%Y-%m-%d %H:%M}  {clock_text(session.total_samples):>8}  "
        f"{state:<10}  {counts:<12}  {session.title}"
    )
