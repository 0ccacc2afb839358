"""The words of the desktop: states, sessions, chunks, gaps and the status that everyone watches.

Times are milliseconds since 1970 UTC, lengths are samples at 48 kHz, levels are dBFS.
"""

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from scribe_desktop.room import Room

SAMPLE_RATE: Final = 48_000

PACKET_SAMPLES: Final = 960
"""What one Opus packet of 20 ms holds."""

ENCODER_DELAY: Final = 312
"""Samples that the encoder puts in front of the first one (RFC 7845's pre-skip)."""

LOST_ON_SERVER: Final = "lost_on_server"
"""A session's refused code: the server had signed for it and lost it, and the audio is not here."""


def now_ms() -> int:
    """The wall clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class CaptureState(StrEnum):
    """What the recorder does; reasons are a field of their own, not more states."""

    IDLE = "idle"
    STARTING = "starting"
    RECORDING = "recording"
    PAUSED = "paused"
    FINALISING = "finalising"


class CaptureReason(StrEnum):
    """Why capture is not as the person would expect."""

    NONE = ""
    NO_DEVICE = "no-device"
    SUSPENDED = "suspended"
    DISK_FULL = "disk-full"
    SPOOL = "spool"
    DEVICE_TIMEOUT = "device-timeout"
    FAILED = "failed"


class SyncState(StrEnum):
    """Derived from facts by sync/machine.py; never stored."""

    ERROR = "error"
    OFFLINE = "offline"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    HELD = "held"
    IDLE = "idle"


class SessionState(StrEnum):
    """Where a session stands, derived from its row and counters."""

    RECORDING = "recording"
    PAUSED = "paused"
    LOCAL = "local"
    SENDING = "sending"
    VERIFIED = "verified"
    PROBLEM = "problem"


class GapReason(StrEnum):
    """Why a stretch of the timeline is silent or was cut out."""

    PAUSE = "pause"
    XRUN = "xrun"
    NO_DEVICE = "no-device"
    SUSPENDED = "suspended"
    MUTE = "mute"
    SLEEP = "sleep"
    CRASH = "crash"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Gap:
    """A labelled stretch: `samples` > 0 are zeros inside the audio, 0 is a cut of `wall_ms`."""

    at_sample: int
    samples: int
    reason: str
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Marker:
    """A point on the timeline that the person set."""

    at_sample: int
    label: str
    created_at: int


@dataclass(frozen=True, slots=True)
class NewSession:
    """What is known of a session when it begins."""

    session_id: str
    title: str
    source: str
    started_at: int
    timezone: str
    channels: int
    bitrate: int
    device: str
    forked_from: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session's row in the spool.

    `ended_at` is None while it records; `total_samples` counts the samples in its chunks;
    `refused_code` is set when the server will not have it (`conflict`, `session_closed`, …).
    """

    session_id: str
    title: str
    source: str
    started_at: int
    timezone: str
    channels: int
    bitrate: int
    device: str
    forked_from: str | None
    paused: bool
    recovered: bool
    ended_at: int | None
    total_samples: int
    chunks: int
    acked_chunks: int
    refused_chunks: int
    bytes: int
    refused_code: str | None
    has_receipt: bool
    audio_deleted_at: int | None

    @property
    def state(self) -> SessionState:
        """The one word that lists show."""
        if self.refused_code or self.refused_chunks:
            return SessionState.PROBLEM
        if self.ended_at is None:
            return SessionState.PAUSED if self.paused else SessionState.RECORDING
        if self.has_receipt:
            return SessionState.VERIFIED
        return SessionState.SENDING if self.acked_chunks else SessionState.LOCAL


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk's row in the spool, without its bytes."""

    session_id: str
    sequence: int
    first_sample: int
    samples: int
    sha256: str
    size: int
    started_at: int
    acked_at: int | None
    refused_code: str | None


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A receipt as it came (canonical JSON text) with the key that signs it (hex)."""

    session_id: str
    receipt_json: str
    public_key: str
    server_id: str
    origin: str
    received_at: int


@dataclass(frozen=True, slots=True)
class Level:
    """Peak and RMS of the last 100 ms, in dBFS (silence: -120)."""

    peak_dbfs: float = -120.0
    rms_dbfs: float = -120.0


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """What the recorder says of itself."""

    state: CaptureState = CaptureState.IDLE
    reason: CaptureReason = CaptureReason.NONE
    session_id: str | None = None
    title: str = ""
    device: str = ""
    samples: int = 0
    level: Level = field(default_factory=Level)
    error: str = ""


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """What the sync engine says of itself.

    `server` is the origin, `local` whether it is the bundled one; `pending` counts chunks without
    an ack, over all sessions; `awaiting_receipt` counts ended sessions without a receipt.
    """

    state: SyncState = SyncState.OFFLINE
    server: str = ""
    local: bool = True
    pending: int = 0
    in_flight: int = 0
    awaiting_receipt: int = 0
    error_code: str = ""
    error: str = ""
    retry_at: int | None = None
    last_ack_at: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """One immutable snapshot of everything that a screen shows.

    `storage` says where the recordings are, when that is not where they belong; `room` how much
    more sound fits, once that was looked at.
    """

    capture: CaptureStatus = field(default_factory=CaptureStatus)
    sync: SyncStatus = field(default_factory=SyncStatus)
    storage: str = ""
    room: Room | None = None
    session_chunks: int = 0
    session_acked: int = 0
    session_spooled_samples: int = 0
    session_acked_samples: int = 0
    revision: int = 0
