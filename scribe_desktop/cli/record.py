"""`scribe record`: from a microphone or a file into the spool, and on to the server."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from scribe_desktop.cli.follow import follow_recording, wait_for_receipt
from scribe_desktop.cli.host import Work, working
from scribe_desktop.cli.interrupts import Interrupts
from scribe_desktop.cli.screen import Screen, clock_text, parts
from scribe_desktop.cli.shell import Shell, json_option, open_shell, server_options
from scribe_desktop.errors import ScribeError, UnreachableError, UsageError
from scribe_desktop.library.sessions import summary_of
from scribe_desktop.model import SAMPLE_RATE, Session

MICROPHONE = "mic"


@dataclass(frozen=True)
class Wish:
    """What was asked for: the fields of the `record` command, and whether to wait and how long."""

    fields: Mapping[str, Any]
    wait: bool = False
    timeout_s: float | None = None


@click.command("record", help="Record until Ctrl+C, or for the time that --for gives.")
@click.option("--title", help="Its name; the date and time without one.")
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Stop after so many seconds of captured sound.",
)  # fmt: skip
@click.option("--input", "source", default=MICROPHONE, metavar="mic|FILE", show_default=True,
              help="The microphone, or a sound file.")  # fmt: skip
@click.option("--device", metavar="NAME", help="The microphone's name (see: scribe devices).")
@click.option("--speed", type=click.Choice(["realtime", "max"]), default="realtime",
              show_default=True, help="How fast a file is read.")  # fmt: skip
@click.option("--wait", is_flag=True, help="End only when the server's receipt is here.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="S",
              help="With --wait: give up after so many seconds.")  # fmt: skip
@click.option("--save-wav", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Also write every sample as it enters the encoder.")  # fmt: skip
@server_options
@json_option
@click.pass_obj
def command(
    environ: Mapping[str, str],
    *,
    title: str | None,
    seconds: float | None,
    source: str,
    device: str | None,
    speed: str,
    wait: bool,
    timeout: float | None,
    save_wav: Path | None,
    server: str | None,
    insecure: bool,
    as_json: bool,
) -> int:
    """Make one recording."""
    if timeout is not None and not wait:
        raise UsageError("Option does not fit", "--timeout needs --wait.")
    fields = {
        "title": title,
        "inputFile": None if source == MICROPHONE else existing(source),
        "device": device,
        "realtime": speed == "realtime",
        "forSamples": None if seconds is None else max(1, round(seconds * SAMPLE_RATE)),
        "saveWav": None if save_wav is None else str(save_wav.absolute()),
    }
    shell = open_shell(environ, server=server, insecure=insecure)
    return record(shell, Wish(fields, wait, timeout), Screen(as_json=as_json))


def existing(source: str) -> str:
    """The full path of a sound file.

    Raises:
        UsageError: there is no such file.
    """
    file = Path(source).expanduser().absolute()
    if not file.is_file():
        raise UsageError(
            "No such file", f"There is no file {source!r}.", "Use --input mic, or a sound file."
        )
    return str(file)


def record(shell: Shell, wish: Wish, screen: Screen) -> int:
    """Make a recording, tell its end, and return the exit code 0.

    Raises:
        ScribeError: of the kind that the exit code tells; the summary was printed before.
    """
    with working(shell) as (work, interrupts):
        session_id = work.host.ask("record", **wish.fields)["sessionId"]
        ask = "" if wish.fields.get("inputFile") else " Please tell the others."
        screen.say(f"Recording {session_id}.{ask}")
        problem = _follow(wish, screen, (work, interrupts), session_id)
        if work.is_own:
            work.wait_until_idle(interrupts)
    session = _tell_end(work.shell, screen, session_id)
    if problem is None and session is not None and session.recovered:
        problem = UnreachableError(
            "Recording was cut off",
            "The Scribe that recorded has ended unexpectedly.",
            "What it had captured is safe, but for its last second at most.",
        )
    if problem is not None:
        raise problem
    return 0


def _follow(
    wish: Wish, screen: Screen, hands: tuple[Work, Interrupts], session_id: str
) -> ScribeError | None:
    work, interrupts = hands
    try:
        with screen.progress() as show:
            status = follow_recording(work, session_id, interrupts, show)
            if wish.wait and not status["failure"]:
                wait_for_receipt(
                    work.shell, work, session_id,
                    timeout_s=wish.timeout_s, interrupts=interrupts, show=show,
                )  # fmt: skip
    except ScribeError as error:
        return error
    return failure_in(status)


def failure_in(status: Mapping[str, Any]) -> ScribeError | None:
    """Why the recording ended by itself, as an error; None when it did not."""
    from scribe_desktop.control import error_of

    return error_of(status["failure"]) if status["failure"] else None


def _tell_end(shell: Shell, screen: Screen, session_id: str) -> Session | None:
    with shell.reading() as spool:
        session = None if spool is None else spool.session(session_id)
        if spool is None or session is None:
            screen.say("Nothing was recorded.")
            return None
        receipt = spool.receipt(session_id)
    screen.say(end_words(session))
    screen.result(summary_of(session, receipt))
    return session


def end_words(session: Session) -> str:
    """How a recording ended, for people."""
    length = f"{clock_text(session.total_samples)} in {parts(session.chunks)}"
    if session.has_receipt:
        return f"Recorded {length}; all of it delivered, with a signed receipt."
    unsent = session.chunks - session.acked_chunks
    sent = f"{parts(unsent)} not sent yet" if unsent else "all parts sent, the receipt is to come"
    return f"Recorded {length}, safe on this computer; {sent}."
