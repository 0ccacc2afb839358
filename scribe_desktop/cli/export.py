"""`scribe export`: a recording as one sound file."""

from collections.abc import Mapping
from pathlib import Path

import click

from scribe_desktop.cli.screen import Screen, clock_text
from scribe_desktop.cli.shell import json_option, open_shell
from scribe_desktop.errors import UsageError
from scribe_desktop.library.sessions import find_session
from scribe_desktop.model import SAMPLE_RATE

FORMATS = ("webm", "ogg", "flac", "wav")


@click.command("export", help="Write the recording whose id begins with ID into one sound file.")
@click.argument("session_id", metavar="ID")
@click.option("--format", "fmt", type=click.Choice(FORMATS), required=True,
              help="webm and ogg keep the sound as it was recorded, bit for bit.")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True,
              metavar="FILE")  # fmt: skip
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str], *, session_id: str, fmt: str, output: Path, as_json: bool
) -> int:
    """Export without the lock, also while something is being recorded."""
    screen = Screen(as_json=as_json)
    with open_shell(environ).reading() as spool:
        if spool is None:
            raise UsageError("No such recording", "There are no recordings yet.")
        session = find_session(spool.sessions(), session_id)
        from scribe_desktop.library.export import export_session

        with screen.progress() as show:
            samples = export_session(
                spool, session.session_id, fmt, output,
                progress=lambda done, total: show("Exporting", done, total),
            )  # fmt: skip
    result = {"sessionId": session.session_id, "output": str(output), "samples": samples}
    screen.say(f"Wrote {clock_text(samples)} ({samples} samples) to {output}.")
    screen.result({**result, "seconds": samples / SAMPLE_RATE})
    return 0
