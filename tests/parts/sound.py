"""Known sound: made, read, encoded in one piece, decoded, and found again."""

import io
import random
import subprocess
import wave
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve, resample_poly  # type: ignore[import-untyped] # has no stubs

from tests.parts.processes import program

RATE = 48_000
Pcm: TypeAlias = npt.NDArray[np.int16]
Decoded: TypeAlias = npt.NDArray[np.float32]
_OPUS = {"application": "voip", "vbr": "on", "frame_duration": "20"}
_WORDS = ("plan", "team", "budget", "Monday", "release", "review", "server", "question", "city")


def write_wav(path: Path, samples: Pcm) -> Path:
    """Write mono 48 kHz s16."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> Pcm:
    """Read mono 48 kHz s16; anything else fails."""
    with wave.open(str(path), "rb") as sound:
        shape = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        assert shape == (1, 2, RATE), shape
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")


def make_speech(path: Path, *, seconds: int, seed: int) -> Pcm:
    """Speech that nowhere repeats, with a faint hiss, as a mono WAV of exactly `seconds`."""
    rng = random.Random(seed)
    parts: list[npt.NDArray[np.float64]] = []
    while sum(map(len, parts)) < seconds * RATE:
        text = " ".join(f"{rng.choice(_WORDS)} {rng.randrange(1000)}," for _ in range(60))
        parts.append(_say(text, path.with_suffix(".espeak.wav")))
    speech = np.concatenate(parts)[: seconds * RATE]
    hiss = np.random.default_rng(seed).normal(0, 30, len(speech))
    samples = np.clip(speech * 0.8 + hiss, -32768, 32767).astype(np.int16)
    write_wav(path, samples)
    return samples


def _say(text: str, path: Path) -> npt.NDArray[np.float64]:
    subprocess.run([program("espeak-ng"), "-w", str(path), text], check=True, capture_output=True)
    with wave.open(str(path), "rb") as spoken:
        rate = spoken.getframerate()
        samples = np.frombuffer(spoken.readframes(spoken.getnframes()), dtype="<i2")
    path.unlink()
    resampled: npt.NDArray[np.float64] = resample_poly(samples.astype(np.float64), RATE, rate)
    return resampled


def encode_in_one_piece(samples: Pcm, *, bitrate: int = 32_000) -> bytes:
    """WebM with Opus from one continuous encode, muxed by PyAV alone: the yardstick."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=RATE, options=dict(_OPUS))
        stream.bit_rate = bitrate
        stream.layout = "mono"
        stream.format = "s16"
        for at in range(0, len(samples), 960):
            piece = np.ascontiguousarray(samples[at : at + 960]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate = RATE
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def decode(sound: bytes | Path) -> Decoded:
    """All samples of a sound file as PyAV decodes it, mono float32."""
    file = io.BytesIO(sound) if isinstance(sound, bytes) else str(sound)
    with av.open(file, "r") as container:
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate([piece.reshape(-1) for piece in pieces]).astype(np.float32)


def find_in(whole: Pcm, part: Pcm, *, window: int = 1 << 15) -> int:
    """Where `part` begins in `whole` (may be negative), by cross-correlation of a loud window."""
    energy = np.abs(part[: len(part) // window * window].astype(np.int64)).reshape(-1, window)
    at = int(energy.sum(axis=1).argmax()) * window
    piece = part[at : at + window].astype(np.float64)
    match = fftconvolve(whole.astype(np.float64), piece[::-1], mode="valid")
    return int(match.argmax()) - at


def overlap(whole: Pcm, part: Pcm, offset: int) -> tuple[Pcm, Pcm]:
    """The stretch of both that lies over the other when `part` begins at `offset`."""
    first, last = max(offset, 0), min(offset + len(part), len(whole))
    return whole[first:last], part[first - offset : last - offset]
