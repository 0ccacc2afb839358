"""The sentences of the window and the tray. Pure: the translation function is a parameter.

Lengths are samples at 48 kHz. Every figure is rounded down to whole seconds, so what is said to be
safe is never more than what is safe, and the figures of one line add up.
"""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from scribe_desktop.model import (
    LOST_ON_SERVER,
    SAMPLE_RATE,
    CaptureState,
    Level,
    Session,
    SessionState,
    Status,
    SyncStatus,
)

Tr = Callable[[str], str]

QUIET_DBFS = -50.0
SILENT_DBFS = -90.0
LOUD_DBFS = -1.0


def seconds(samples: int) -> int:
    """Whole seconds in `samples`, rounded down."""
    return max(0, samples) // SAMPLE_RATE


def clock(whole_seconds: int) -> str:
    """`0:07`, `42:10`, `1:02:10`."""
    minutes, rest = divmod(whole_seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def untranslated(text: str) -> str:
    """The English text as it stands in the source."""
    return text


class Words:
    """Says things about a status or a session in the language of `tr`."""

    def __init__(self, tr: Tr = untranslated) -> None:
        self.tr = tr

    def amount(self, whole_seconds: int) -> str:
        """`40 s` below a minute, `41:30` from there on."""
        if whole_seconds < 60:
            return self.tr("{seconds} s").format(seconds=whole_seconds)
        return clock(whole_seconds)

    def parts(self, count: int) -> str:
        """`1 part`, `3 parts`."""
        tr = self.tr
        return tr("1 part") if count == 1 else tr("{count} parts").format(count=count)

    def capture(self, state: CaptureState) -> str:
        """What the recorder does, in one or two words."""
        tr = self.tr
        return {
            CaptureState.IDLE: tr("Ready"),
            CaptureState.STARTING: tr("Starting the microphone"),
            CaptureState.RECORDING: tr("Recording"),
            CaptureState.PAUSED: tr("Paused"),
            CaptureState.FINALISING: tr("Saving"),
        }[state]

    def server(self, sync: SyncStatus) -> str:
        """Where recordings go: `This computer`, or the server's host."""
        if sync.local:
            return self.tr("This computer")
        return urlsplit(sync.server).netloc or self.tr("No server yet")

    def recorded(self, status: Status) -> str:
        """Where the sound of the running recording is: `42:10 recorded · …`."""
        tr = self.tr
        recorded = seconds(status.capture.samples)
        lead = tr("{time} recorded").format(time=self.amount(recorded))
        if status.sync.local:
            return f"{lead} · {tr('all of it saved on this computer')}"
        safe = min(seconds(status.session_acked_samples), recorded)
        if safe == 0:
            return f"{lead} · {tr('all of it only on this computer')}"
        if safe == recorded:
            return f"{lead} · {tr('all of it safe on the server')}"
        on_server = tr("{time} safe on the server").format(time=self.amount(safe))
        here = tr("{time} only on this computer").format(time=self.amount(recorded - safe))
        return f"{lead} · {on_server} · {here}"

    def whereabouts(self, status: Status) -> str:
        """The same in few words, for a tooltip: `all but 40 s on the server`."""
        tr = self.tr
        if status.sync.local:
            return tr("all of it on this computer")
        recorded = seconds(status.capture.samples)
        safe = min(seconds(status.session_acked_samples), recorded)
        if safe == 0:
            return tr("all of it only on this computer")
        if safe == recorded:
            return tr("all of it on the server")
        return tr("all but {time} on the server").format(time=self.amount(recorded - safe))

    def level(self, level: Level) -> str:
        """The meter in a word."""
        tr = self.tr
        if level.peak_dbfs <= SILENT_DBFS:
            return tr("No sound")
        if level.peak_dbfs <= QUIET_DBFS:
            return tr("Quiet")
        return tr("Too loud") if level.peak_dbfs >= LOUD_DBFS else tr("Good")

    def session_state(self, session: Session, *, local: bool) -> str:
        """Where a session stands; with the bundled server nothing is said to be elsewhere."""
        tr = self.tr
        done, total = session.acked_chunks, session.chunks
        match session.state:
            case SessionState.RECORDING:
                return tr("Recording")
            case SessionState.PAUSED:
                return tr("Paused")
            case SessionState.LOCAL:
                return tr("Saved on this computer") if local else tr("Only on this computer")
            case SessionState.SENDING:
                text = (
                    tr("Checking {done} of {total}") if local else tr("Sending {done} of {total}")
                )
                return text.format(done=done, total=total)
            case SessionState.VERIFIED:
                return (
                    tr("Stored and checked on this computer")
                    if local
                    else tr("Verified on the server")
                )
            case SessionState.PROBLEM:
                lost = session.refused_code == LOST_ON_SERVER
                return tr("Lost by the server") if lost else tr("Needs your attention")

    def session_facts(self, session: Session, now: datetime) -> str:
        """When it was and how long it is: `Today 14:02 · 42:10`. `now` carries the time zone."""
        started = datetime.fromtimestamp(session.started_at / 1000, tz=now.tzinfo)
        days = (now.date() - started.date()).days
        if days == 0:
            day = self.tr("Today")
        elif days == 1:
            day = self.tr("Yesterday")
        else:
            day = f"{started:%Y-%m-%d}"
        when = f"{day} {started:%H:%M}"
        if session.ended_at is None:  # it grows; its length so far is the instrument's clock
            return when
        return f"{when} · {self.session_length(session)}"

    def session_length(self, session: Session) -> str:
        """How long a session is."""
        return self.amount(seconds(session.total_samples))
