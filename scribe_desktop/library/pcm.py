"""Packets decoded to 16-bit samples, and those written as FLAC or WAV."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
import soundfile

from scribe_desktop.model import SAMPLE_RATE

Block = npt.NDArray[np.int16]
_SUBTYPE: Final = "PCM_16"
_WAV_LIMIT: Final = 4_000_000_000


def decode(head: bytes, packets: Iterable[bytes], total_samples: int) -> Iterator[Block]:
    """Decode a session's packets to exactly `total_samples`, in blocks of (frames, channels).

    The decoder drops the encoder's delay, which OpusHead states; the end is trimmed here.

    Raises:
        av.error.FFmpegError: a packet is no Opus.
    """
    context = av.CodecContext.create("opus", "r")
    assert isinstance(context, av.AudioCodecContext)
    context.extradata = head
    left = total_samples
    for data in packets:
        for frame in context.decode(av.Packet(data)):
            sound = frame.to_ndarray()[:, :left].T
            left -= len(sound)
            yield np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def write_pcm(path: Path, kind: str, channels: int, blocks: Iterable[Block], samples: int) -> int:
    """Write blocks as `kind` (flac, wav); returns how many samples they were.

    A WAV that would pass 4 GB becomes an RF64 (EBU Tech 3306), which players read as WAV.

    Raises:
        OSError, soundfile.SoundFileError: the file cannot be written.
    """
    large = kind == "wav" and samples * channels * 2 > _WAV_LIMIT
    form = "RF64" if large else kind.upper()
    written = 0
    with soundfile.SoundFile(
        path, "w", SAMPLE_RATE, channels, subtype=_SUBTYPE, format=form
    ) as file:
        for block in blocks:
            file.write(block)
            written += len(block)
    return written
