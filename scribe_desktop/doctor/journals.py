"""Tails of recordings that nobody has put together: their recorder died, and none came since."""

from collections.abc import Iterator
from pathlib import Path

from scribe_desktop.capture.journal import SUFFIX, read_journal
from scribe_desktop.doctor.findings import Finding, Kind
from scribe_desktop.model import PACKET_SAMPLES, SAMPLE_RATE
from scribe_desktop.spool import Spool


def journals(folder: Path) -> list[Path]:
    """The journals that are there."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def examine_journals(folder: Path, spool: Spool | None) -> Iterator[Finding]:
    """What nobody records any more, though it was never ended.

    To be asked only when no recorder runs.

    Raises:
        SpoolError: a journal cannot be read.
    """
    found = set()
    for path in journals(folder):
        contents = read_journal(path)
        if contents is None:
            words = f"{path} is no whole journal; recovery keeps it and puts it aside."
            yield Finding(Kind.JOURNAL_DAMAGED, words)
            continue
        session_id = contents.header.session.session_id
        found.add(session_id)
        seconds = len(contents.packets) * PACKET_SAMPLES / SAMPLE_RATE
        known = None if spool is None else spool.session(session_id)
        ended = known is not None and known.ended_at is not None
        words = (
            f"{path} is left over: its recording was ended."
            if ended
            else f"{path} holds up to {seconds:.1f} s of {session_id} that are in no part yet."
        )
        yield Finding(Kind.JOURNAL_ORPHANED, words, session_id)
    for session in [] if spool is None else spool.open_sessions():
        if session.session_id not in found:
            words = f"“{session.title}” ({session.session_id}) was never ended, and nobody records."
            yield Finding(Kind.SESSION_OPEN, words, session.session_id)
