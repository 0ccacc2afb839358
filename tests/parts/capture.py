"""Known sound, decoding, and a spool in memory, for the tests of capture and library."""

import hashlib
import io
import subprocess
from dataclasses import dataclass, field

import av
import numpy as np
import numpy.typing as npt

from scribe_desktop.capture.cutter import Cutter
from scribe_desktop.capture.encoder import OpusEncoder
from scribe_desktop.capture.webm import chunk_file
from scribe_desktop.errors import SpoolError
from scribe_desktop.model import Gap, Marker, NewSession
from scribe_desktop.spool import NewChunk
from tests.parts.processes import program

SESSION_ID = "0b1f5a3e-6c1d-4c5e-9f39-1d1f0a7c2b44"


def new_session(*, channels: int = 1, bitrate: int = 32_000) -> NewSession:
    return NewSession(
        session_id=SESSION_ID,
        title="A test",
        source="mic",
        started_at=1_700_000_000_000,
        timezone="UTC",
        channels=channels,
        bitrate=bitrate,
        device="scribe_mic",
    )


def tone(samples: int, *, channels: int = 1, seed: int = 1) -> npt.NDArray[np.int16]:
    """A wandering tone with some noise, shape (samples, channels); no two stretches are alike."""
    time = np.arange(samples) / 48_000
    phase = 2 * np.pi * (220 * time + 40 * np.sin(2 * np.pi * 0.31 * time))
    noise = np.random.default_rng(seed).normal(0, 400, samples)
    mono = (8_000 * np.sin(phase) + noise).astype(np.int16)
    return np.stack([mono, -mono // 2][:channels], axis=1)


def decoded(data: bytes) -> npt.NDArray[np.float32]:
    """What PyAV decodes a file to, shape (samples, channels)."""
    with av.open(io.BytesIO(data), "r") as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(frames, axis=1).T.astype(np.float32)


def samples_by_ffmpeg(data: bytes, *, channels: int = 1) -> int:
    """How many samples the ffmpeg program decodes a file to; it must not complain."""
    command = [program("ffmpeg"), "-v", "error", "-i", "-", "-f", "s16le", "-"]
    done = subprocess.run(command, input=data, capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return len(done.stdout) // (2 * channels)


def packets_in(data: bytes) -> list[bytes]:
    """All packets of a file, pre-roll included."""
    with av.open(io.BytesIO(data), "r") as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def one_encode(sound: npt.NDArray[np.int16]) -> list[bytes]:
    """The packets of one continuous encode."""
    encoder = OpusEncoder(channels=sound.shape[1], bitrate=32_000)
    return encoder.encode(sound) + encoder.finish()


def recorded_chunks(sound: npt.NDArray[np.int16], *, chunk_packets: int = 1500) -> list[NewChunk]:
    """The chunks of a recording of that sound, as they go to the spool."""
    cutter = Cutter(chunk_packets=chunk_packets)
    planned = [cutter.add(packet) for packet in one_encode(sound)]
    planned.append(cutter.finish(len(sound)))
    chunks: list[NewChunk] = []
    for plan in planned:
        if plan is None:
            continue
        data = chunk_file(plan, channels=sound.shape[1])
        digest = hashlib.sha256(data).hexdigest()
        place = (plan.sequence, plan.first_sample, plan.samples)
        chunks.append(NewChunk(SESSION_ID, *place, digest, data, 0))
    return chunks


def one_chunk(sound: npt.NDArray[np.int16]) -> bytes:
    """One continuous encode as one file."""
    (chunk,) = recorded_chunks(sound, chunk_packets=1_000_000)
    return chunk.data


@dataclass
class FakeSpool:
    """Keeps in memory what capture commits; `failing` lets the next so many calls fail."""

    created: list[NewSession] = field(default_factory=list)
    chunks: list[NewChunk] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    paused: list[bool] = field(default_factory=list)
    ended_at: int | None = None
    failing: int = 0

    def create_session(self, new: NewSession) -> None:
        self._fail()
        self.created.append(new)

    def add_chunk(self, chunk: NewChunk) -> None:
        self._fail()
        self.chunks.append(chunk)

    def add_gap(self, session_id: str, gap: Gap) -> None:
        self._fail()
        assert session_id == SESSION_ID
        self.gaps.append(gap)

    def add_marker(self, session_id: str, marker: Marker) -> None:
        self._fail()
        assert session_id == SESSION_ID
        self.markers.append(marker)

    def set_paused(self, session_id: str, paused: bool) -> None:
        self._fail()
        assert session_id == SESSION_ID
        self.paused.append(paused)

    def end_session(self, session_id: str, *, ended_at: int, recovered: bool = False) -> None:
        self._fail()
        assert (session_id, recovered) == (SESSION_ID, False)
        self.ended_at = ended_at

    def _fail(self) -> None:
        if self.failing:
            self.failing -= 1
            raise SpoolError("The disk is full", "There is no room.", "Free some space.")
