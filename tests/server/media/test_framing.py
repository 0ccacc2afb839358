import io

import pytest

from scribe_server.media.framing import frame, frames


def test_parts_come_out_as_they_went_in() -> None:
    parts = [(0, b"first"), (None, b""), (2**53, b"x" * 1000)]
    stream = io.BytesIO(b"".join(frame(*part) for part in parts))
    assert list(frames(stream)) == parts


@pytest.mark.parametrize("cut", [1, 11, 13])
def test_a_torn_stream_is_not_taken_for_a_shorter_one(cut: int) -> None:
    stream = io.BytesIO(frame(0, b"abc")[:cut])
    with pytest.raises(ValueError, match="the stream ends within"):
        list(frames(stream))
