"""A recorder's life without a microphone, and the start after it."""

from pathlib import Path

from scribe_desktop.capture import recovery
from scribe_desktop.capture.journal import SUFFIX, Journal
from scribe_desktop.capture.writer import SessionWriter
from scribe_desktop.model import SAMPLE_RATE, GapReason
from scribe_desktop.spool import Spool
from tests.faults.crash_points.said import said, say
from tests.parts.capture import SESSION_ID, new_session, tone

SAMPLES = 3 * SAMPLE_RATE
CHUNK_PACKETS = 60
SYNC_SAMPLES = SAMPLE_RATE // 2
PAUSE_AT = 2
"""In this half second the recording is paused."""
STARTED_AT = 1_700_000_000_000


def record(folder: Path) -> None:
    """Three seconds in chunks of 1.2 s, with a sync every half second and one pause."""
    spool = Spool.open(folder / "spool", clock=lambda: STARTED_AT)
    spool.create_session(new_session())
    journal = Journal(folder / "journal" / f"{SESSION_ID}{SUFFIX}")
    writer = SessionWriter(
        spool, journal, new_session(), on_spooled=lambda _: None, chunk_packets=CHUNK_PACKETS
    )
    sound = tone(SAMPLES)
    for number, first in enumerate(range(0, SAMPLES, SYNC_SAMPLES)):
        writer.feed(sound[first : first + SYNC_SAMPLES])
        if number == PAUSE_AT:
            writer.pause()
            writer.resume()
            writer.note_cut(GapReason.PAUSE, 700)
        writer.sync()
        say(folder, "synced", writer._cutter.packets)
    writer.finish(ended_at=STARTED_AT + 4_000)
    say(folder, "ended", writer.samples)
    spool.close()


def recover(folder: Path) -> None:
    """What every start of the desktop does."""
    spool = Spool.open(folder / "spool", clock=lambda: STARTED_AT)
    recovery.recover_sessions(spool, folder / "journal", clock=lambda: STARTED_AT)
    spool.close()


def promised_packets(folder: Path) -> int:
    """How many packets must be there, whatever happened."""
    return max((packets for (packets,) in said(folder, "synced")), default=0)
