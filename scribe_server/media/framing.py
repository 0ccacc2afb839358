"""How parts travel to the helper process: a small header, then the part's bytes."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

_HEADER: Final = struct.Struct(">qI")
_UNKNOWN: Final = -1


def frame(first_sample: int | None, data: bytes) -> bytes:
    """One part: where its samples begin on the timeline (None: after the part before it)."""
    return _HEADER.pack(_UNKNOWN if first_sample is None else first_sample, len(data)) + data


def frames(stream: BinaryIO) -> Iterator[tuple[int | None, bytes]]:
    """The parts of a stream.

    Raises:
        ValueError: the stream ends within a part.
    """
    while header := stream.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise ValueError("the stream ends within a header")
        first_sample, size = _HEADER.unpack(header)
        data = stream.read(size)
        if len(data) < size:
            raise ValueError("the stream ends within a part")
        yield (None if first_sample == _UNKNOWN else first_sample), data
