"""What is wrong, where the sound is meanwhile, and the one thing to do about it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from scribe_desktop.model import CaptureReason, CaptureState, CaptureStatus, SyncState, SyncStatus
from scribe_desktop.room import Room, RoomLevel
from scribe_desktop.ui.words import Words

SIGN_IN_CODES = frozenset({"unauthorized", "token_expired"})
FULL_CODES = frozenset({"quota_exceeded", "storage_full"})


class Fix(StrEnum):
    """What the button or the menu entry beside a problem does."""

    NONE = ""
    RECORD = "record"
    SEND_NOW = "send-now"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the person should know: a heading, what happened, what to do."""

    title: str
    message: str
    remedy: str = ""
    fix: Fix = Fix.NONE


def capture_problem(capture: CaptureStatus, words: Words) -> Problem | None:
    """The trouble of the recorder, or None."""
    tr = words.tr
    fix = Fix.RECORD if capture.state is CaptureState.IDLE else Fix.NONE
    device = capture.device or tr("the microphone")
    match capture.reason:
        case CaptureReason.NONE if not capture.error:
            return None
        case CaptureReason.NO_DEVICE:
            message = tr("“{device}” is gone. The recording waits for it.").format(device=device)
            remedy = tr("Plug it in again, or stop: what was recorded is safe.")
            return Problem(tr("Microphone lost"), message, remedy, fix)
        case CaptureReason.SUSPENDED:
            message = tr("“{device}” gives no sound: the system has suspended it.")
            remedy = tr("Wake the sound device, or stop: what was recorded is safe.")
            return Problem(tr("Microphone asleep"), message.format(device=device), remedy, fix)
        case CaptureReason.DISK_FULL:
            message = capture.error or tr("There is no room for more sound on this computer.")
            remedy = tr("Free some space, then record again. What was recorded is safe.")
            return Problem(tr("Disk full"), message, remedy, fix)
        case CaptureReason.DEVICE_TIMEOUT:
            message = capture.error or tr("“{device}” did not start.").format(device=device)
            return Problem(tr("Microphone does not answer"), message, tr("Try another one."), fix)
        case _:
            return _failure(capture, fix, words)


def _failure(capture: CaptureStatus, fix: Fix, words: Words) -> Problem:
    tr = words.tr
    if capture.reason is CaptureReason.SPOOL and capture.state is not CaptureState.IDLE:
        message = tr("The sound is held in memory until another place for it is found.")
        return Problem(tr("The disk refuses"), message, capture.error, fix)
    message = capture.error or tr("The recording ended by itself.")
    return Problem(tr("Recording failed"), message, tr("What was recorded is safe."), fix)


def storage_problem(notice: str, words: Words) -> Problem | None:
    """Recordings are not where they belong, or None: they are."""
    if not notice:
        return None
    tr = words.tr
    remedy = tr("Free some space or repair the folder, then start Scribe again.")
    return Problem(tr("Recordings are kept elsewhere"), notice, remedy)


def room_problem(room: Room | None, words: Words) -> Problem | None:
    """Little room on the disk, or None: there is plenty."""
    if room is None or room.level is RoomLevel.PLENTY:
        return None
    tr = words.tr
    title = {
        RoomLevel.LOW: tr("Little room on this computer"),
        RoomLevel.VERY_LOW: tr("Very little room on this computer"),
        RoomLevel.NONE: tr("Disk full"),
    }[room.level]
    return Problem(title, room.words, tr("Free some space. What was recorded is safe."))


def sync_problem(sync: SyncStatus, words: Words) -> Problem | None:
    """The trouble with the server that will not pass by itself, or None."""
    if sync.state is not SyncState.ERROR:
        return None
    tr = words.tr
    kept = tr("Your recordings are safe on this computer.")
    if sync.error_code in SIGN_IN_CODES:
        message = sync.error or tr("The server does not know this computer any more.")
        return Problem(tr("Sign in again"), message, kept, Fix.SEND_NOW)
    if sync.error_code in FULL_CODES:
        message = sync.error or tr("The server has no room left.")
        return Problem(tr("Server full"), message, kept, Fix.SEND_NOW)
    message = sync.error or tr("The server refused the recording.")
    return Problem(tr("Not sent"), message, kept, Fix.SEND_NOW)
