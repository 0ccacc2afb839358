"""An hour of known speech, and the comparison of what was recorded with what was played."""

import wave
from pathlib import Path

import numpy as np

from tests.faults.drill import must_hold
from tests.parts.sound import (
    RATE,
    decode,
    encode_in_one_piece,
    find_in,
    make_speech,
    overlap,
    read_wav,
)

PIECE_S = 300
LAST_PACKETS = 2 * 960
ALIGN = 240 * RATE
"""What is searched for the beginning: the sound begins within the first minutes."""


def speech(path: Path, seconds: int, seed: int) -> Path:
    """Speech that nowhere repeats, made in pieces so that an hour fits into memory."""
    with wave.open(str(path), "wb") as whole:
        whole.setnchannels(1)
        whole.setsampwidth(2)
        whole.setframerate(RATE)
        for number, at in enumerate(range(0, seconds, PIECE_S)):
            piece = path.with_suffix(f".{number}.wav")
            samples = make_speech(piece, seconds=min(PIECE_S, seconds - at), seed=seed + number)
            whole.writeframes(samples.astype("<i2").tobytes())
            piece.unlink()
    return path


def heard_wrong(captured: Path, played: Path) -> tuple[int, int]:
    """How many captured samples differ from the played ones, and how many were compared."""
    heard, source = read_wav(captured), read_wav(played)
    offset = find_in(source[: 2 * ALIGN], heard[:ALIGN])
    expected, compared = overlap(source, heard, offset)
    return int(np.count_nonzero(expected != compared)), len(compared)


def check_export(export: Path, captured: Path) -> int:
    """The export decodes bit for bit as one continuous encode of what was captured; its samples."""
    exported = decode(export)
    one_piece = decode(encode_in_one_piece(read_wav(captured)))
    must_hold(
        np.array_equal(exported, one_piece),
        f"the export ({len(exported)} samples) is not what was captured ({len(one_piece)})",
    )
    return len(exported)


def check_prefix(export: Path, played: Path) -> int:
    """The export decodes as the beginning of an encode of the sound file; its samples.

    The last packets are left out: a recording that was stopped ends with silence in the middle of
    one, while the file goes on.
    """
    exported = decode(export)[:-LAST_PACKETS]
    source = read_wav(played)[: len(exported) + RATE]
    whole = decode(encode_in_one_piece(source))
    must_hold(
        np.array_equal(exported, whole[: len(exported)]), "a recovered recording has other sound"
    )
    return len(exported)
