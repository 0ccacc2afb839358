"""Sound files read as blocks of s16 at 48 kHz with the session's number of channels.

soundfile reads WAV, FLAC, Ogg, AIFF and more; PyAV reads the rest (MP3, M4A, WebM, video …).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av
import numpy as np
import soundfile
from av.audio.resampler import AudioResampler

from scribe_desktop.capture.encoder import Block
from scribe_desktop.errors import AudioError
from scribe_desktop.model import PACKET_SAMPLES, SAMPLE_RATE

_READ_FRAMES: Final = 48_000
_INTEGER: Final = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32"}


def read_blocks(path: Path, *, channels: int) -> Iterator[Block]:
    """The file's sound as blocks of shape (frames, channels) at 48 kHz.

    A 48 kHz 16-bit file with as many channels comes out unchanged. Other rates give exactly
    `samples * 48000 / rate`, rounded up. Several channels are averaged into one; one is doubled.

    Raises:
        AudioError: the file is not there, holds no sound, or is damaged.
    """
    with _converted(path):
        try:
            file = soundfile.SoundFile(path)
        except soundfile.LibsndfileError:
            blocks = _resampled(_av_frames(path))
        else:
            blocks = _from_soundfile(file)
        for block in blocks:
            yield mixed(block, channels)


def mixed(block: Block, channels: int) -> Block:
    """The block with another number of channels."""
    if block.shape[1] == channels:
        return block
    mono = np.rint(block.mean(axis=1, keepdims=True)).astype(np.int16)
    return mono if channels == 1 else np.repeat(mono, channels, axis=1)


def _from_soundfile(file: soundfile.SoundFile) -> Iterator[Block]:
    with file:
        blocks = _pcm(file)
        if file.samplerate == SAMPLE_RATE:
            yield from blocks
        else:
            yield from _resampled(_frames(blocks, file.samplerate))


def _pcm(file: soundfile.SoundFile) -> Iterator[Block]:
    """Blocks as s16; libsndfile would not scale floating point samples to integers."""
    exact = file.subtype in _INTEGER
    dtype = "int16" if exact else "float64"
    while len(read := file.read(_READ_FRAMES, dtype=dtype, always_2d=True)):
        yield read if exact else np.clip(np.rint(read * 32768), -32768, 32767).astype(np.int16)


def _frames(blocks: Iterator[Block], rate: int) -> Iterator[av.AudioFrame]:
    for block in blocks:
        held = block if block.shape[1] <= 2 else mixed(block, 2)
        layout = "mono" if held.shape[1] == 1 else "stereo"
        data = np.ascontiguousarray(held).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(data, format="s16", layout=layout)
        frame.sample_rate = rate
        yield frame


def _av_frames(path: Path) -> Iterator[av.AudioFrame]:
    with av.open(str(path), "r") as container:
        if not container.streams.audio:
            raise AudioError(
                "The file holds no sound", f"{path.name} has no audio track.", "Choose another one."
            )
        yield from container.decode(container.streams.audio[0])


def _resampled(frames: Iterator[av.AudioFrame]) -> Iterator[Block]:
    """At 48 kHz; what the resampler keeps of a very short sound is filled up with silence."""
    resampler: AudioResampler | None = None
    rate, read, given, channels = SAMPLE_RATE, 0, 0, 1
    for frame in frames:
        if resampler is None:
            rate, channels = frame.sample_rate, min(2, frame.layout.nb_channels)
            layout = "mono" if channels == 1 else "stereo"
            resampler = AudioResampler("s16", layout, SAMPLE_RATE, frame_size=PACKET_SAMPLES)
        read += frame.samples
        frame.pts = None
        for out in resampler.resample(frame):
            given += out.samples
            yield _block(out)
    if resampler is not None:
        for out in resampler.resample(None):
            given += out.samples
            yield _block(out)
        yield np.zeros((max(0, -(-read * SAMPLE_RATE // rate) - given), channels), np.int16)


def _block(frame: av.AudioFrame) -> Block:
    samples: Block = frame.to_ndarray().astype(np.int16, copy=False)
    return samples.reshape(-1, frame.layout.nb_channels)


@contextmanager
def _converted(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, av.error.FFmpegError, soundfile.SoundFileError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(
            "The file cannot be read as sound",
            f"{path.name}: {reason}.",
            "Check that it is there, readable and a sound file.",
        ) from error
