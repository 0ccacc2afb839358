"""Status → icon, tooltip, words and enabled actions. Pure, and the only place that decides them.

Two axes: capture gives the icon's base shape, sync a small badge. Which of them leads in words
is the `Matter`, in the order of its members.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from scribe_desktop.model import (
    CaptureReason,
    CaptureState,
    CaptureStatus,
    Status,
    SyncState,
)
from scribe_desktop.ui.problems import (
    Problem,
    capture_problem,
    room_problem,
    storage_problem,
    sync_problem,
)
from scribe_desktop.ui.words import Words, clock, seconds


class Matter(IntEnum):
    """What matters most; a lower number goes before a higher one."""

    CAPTURE_PROBLEM = 0
    SIGN_IN_OR_DISK = 1
    RECORDING = 2
    BUFFERING = 3
    SYNCING = 4
    IDLE = 5


class Base(StrEnum):
    """The icon's shape, from capture."""

    IDLE = "idle"
    STARTING = "starting"
    RECORDING = "recording"
    PAUSED = "paused"
    PROBLEM = "problem"


class Badge(StrEnum):
    """The small sign in the icon's corner, from sync."""

    NONE = ""
    SYNCING = "syncing"
    WAITING = "waiting"
    OFFLINE = "offline"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Icon:
    """One tray view."""

    base: Base = Base.IDLE
    badge: Badge = Badge.NONE

    @property
    def name(self) -> str:
        """Its word in tests and logs, such as `recording-offline`."""
        return f"{self.base}-{self.badge}" if self.badge else str(self.base)


@dataclass(frozen=True, slots=True)
class Actions:
    """Which intents make sense now."""

    start: bool = False
    pause: bool = False
    resume: bool = False
    stop: bool = False
    mark: bool = False
    send_now: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """All that the tray and the record panel show of a status."""

    matter: Matter
    icon: Icon
    tooltip: str
    headline: str
    clock: str
    recorded: str
    sync: str
    problem: Problem | None
    actions: Actions
    capturing: bool


def present(status: Status, words: Words, *, sync_paused: bool = False) -> View:
    """The one view of a status; `sync_paused` says that the person holds sending back."""
    capture, sync = status.capture, status.sync
    trouble = capture_problem(capture, words)
    refusal = sync_problem(sync, words)
    matter = _matter(status, trouble, refusal, sync_paused=sync_paused)
    capturing = capture.state is not CaptureState.IDLE
    return View(
        matter=matter,
        icon=Icon(_base(capture, trouble), _badge(status, sync_paused=sync_paused)),
        tooltip=_tooltip(status, words, matter, trouble or refusal, sync_paused=sync_paused),
        headline=words.capture(capture.state),
        clock=clock(seconds(capture.samples) if capturing else 0),
        recorded=words.recorded(status) if capturing else "",
        sync=sync_line(status, words, sync_paused=sync_paused),
        problem=trouble or refusal or _notice(status, words),
        actions=_actions(status, sync_paused=sync_paused),
        capturing=capturing,
    )


def _notice(status: Status, words: Words) -> Problem | None:
    """What does not disturb recording and sending yet."""
    return storage_problem(status.storage, words) or room_problem(status.room, words)


def _matter(
    status: Status, trouble: Problem | None, refusal: Problem | None, *, sync_paused: bool
) -> Matter:
    if trouble is not None and status.capture.reason is not CaptureReason.DISK_FULL:
        return Matter.CAPTURE_PROBLEM
    if trouble is not None or refusal is not None:
        return Matter.SIGN_IN_OR_DISK
    if status.capture.state is not CaptureState.IDLE:
        return Matter.RECORDING
    match _badge(status, sync_paused=sync_paused):
        case Badge.WAITING | Badge.OFFLINE:
            return Matter.BUFFERING
        case Badge.SYNCING:
            return Matter.SYNCING
        case _:
            return Matter.IDLE


def _base(capture: CaptureStatus, trouble: Problem | None) -> Base:
    if trouble is not None:
        return Base.PROBLEM
    return {
        CaptureState.IDLE: Base.IDLE,
        CaptureState.STARTING: Base.STARTING,
        CaptureState.RECORDING: Base.RECORDING,
        CaptureState.PAUSED: Base.PAUSED,
        CaptureState.FINALISING: Base.STARTING,
    }[capture.state]


def _badge(status: Status, *, sync_paused: bool) -> Badge:
    """Nothing waits and nothing is recorded: then being offline is no news, and no badge."""
    sync = status.sync
    waiting = sync.pending > 0 or sync.awaiting_receipt > 0
    if sync.state is SyncState.ERROR:
        return Badge.ATTENTION
    if sync_paused:
        return Badge.WAITING if waiting else Badge.NONE
    match sync.state:
        case SyncState.SYNCING:
            return Badge.SYNCING
        case SyncState.OFFLINE if not sync.local:
            capturing = status.capture.state is not CaptureState.IDLE
            return Badge.OFFLINE if waiting or capturing else Badge.NONE
        case SyncState.IDLE:
            return Badge.NONE
        case _:
            return Badge.WAITING if waiting else Badge.NONE


def sync_line(status: Status, words: Words, *, sync_paused: bool) -> str:
    """What sending does, and what happens next."""
    tr, sync = words.tr, status.sync
    if sync.pending == 0 and sync.awaiting_receipt == 0:
        return _nothing_waits(status, words)
    count = words.parts(sync.pending)
    if sync.pending == 0:
        return tr("Waiting for the receipt")
    if sync_paused:
        return tr("Paused: {count} only on this computer").format(count=count)
    if sync.local:
        return tr("Saved on this computer, {count} still to check").format(count=count)
    text = {
        SyncState.SYNCING: tr("Sending, {count} left"),
        SyncState.CONNECTING: tr("Connecting: {count} only on this computer"),
        SyncState.OFFLINE: tr("Offline: {count} safe here, sent later"),
        SyncState.HELD: tr("The server is busy: {count} safe here, sent later"),
        SyncState.ERROR: tr("Not sent: {count} only on this computer"),
        SyncState.IDLE: tr("{count} only on this computer"),
    }[sync.state]
    return text.format(count=count)


def _nothing_waits(status: Status, words: Words) -> str:
    tr = words.tr
    if status.sync.local:
        return tr("All recordings are saved on this computer")
    if status.capture.state is not CaptureState.IDLE:
        return tr("No part waits to be sent")  # what is being recorded is not a part yet
    return tr("All recordings are safe on the server")


def _tooltip(
    status: Status, words: Words, matter: Matter, problem: Problem | None, *, sync_paused: bool
) -> str:
    capture = status.capture
    facts = []
    if problem is not None:
        facts.append(problem.title)
    if capture.state is not CaptureState.IDLE:
        facts.append(f"{words.capture(capture.state)} {clock(seconds(capture.samples))}")
        facts.append(words.whereabouts(status))
    else:
        if matter > Matter.RECORDING:
            facts.append(words.capture(capture.state))
        facts.append(sync_line(status, words, sync_paused=sync_paused))
    return words.tr("Scribe — {facts}").format(facts=" · ".join(facts))


def _actions(status: Status, *, sync_paused: bool) -> Actions:
    state, sync = status.capture.state, status.sync
    stuck = {SyncState.OFFLINE, SyncState.CONNECTING, SyncState.HELD, SyncState.ERROR}
    waiting = sync.pending > 0 or sync.awaiting_receipt > 0
    return Actions(
        start=state is CaptureState.IDLE,
        pause=state is CaptureState.RECORDING,
        resume=state is CaptureState.PAUSED,
        stop=state in {CaptureState.STARTING, CaptureState.RECORDING, CaptureState.PAUSED},
        mark=state in {CaptureState.RECORDING, CaptureState.PAUSED},
        send_now=waiting and sync.state in stuck and not sync_paused,
    )
