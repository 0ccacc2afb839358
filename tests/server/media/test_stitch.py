import io

import numpy as np
import pytest

from scribe_server.media.framing import frame
from scribe_server.media.stitch import UnreadableError, stitch
from tests.parts.capture import decoded, one_chunk, packets_in, recorded_chunks, tone


def stitched(parts: list[tuple[int | None, bytes]]) -> bytes:
    output = io.BytesIO()
    stitch(io.BytesIO(b"".join(frame(*part) for part in parts)), output)
    return output.getvalue()


@pytest.mark.parametrize("channels", [1, 2])
def test_chunks_become_the_file_of_one_continuous_encode(channels: int) -> None:
    sound = tone(150_017, channels=channels)
    chunks = recorded_chunks(sound, chunk_packets=50)
    assert len(chunks) > 2
    whole = stitched([(chunk.first_sample, chunk.data) for chunk in chunks])
    assert whole == one_chunk(sound)
    assert len(decoded(whole)) == 150_017


def test_without_first_samples_the_parts_follow_each_other() -> None:
    sound = tone(150_017)
    chunks = recorded_chunks(sound, chunk_packets=50)
    assert stitched([(None, chunk.data) for chunk in chunks]) == one_chunk(sound)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_chunk_is_silence_of_its_exact_length(missing: int) -> None:
    sound = tone(150_017)
    chunks = recorded_chunks(sound, chunk_packets=50)
    lost = chunks.pop(missing)
    audio = decoded(stitched([(chunk.first_sample, chunk.data) for chunk in chunks]))
    assert len(audio) == 150_017
    middle = slice(lost.first_sample + 8_000, lost.first_sample + lost.samples - 2_000)
    assert np.abs(audio[middle]).max() < 0.01
    expected = decoded(one_chunk(sound))
    tail = slice(140_000, 150_017)
    assert np.corrcoef(audio[tail, 0], expected[tail, 0])[0, 1] > 0.99


def test_an_absurd_first_sample_does_not_make_years_of_silence() -> None:
    chunk = recorded_chunks(tone(50_000))[0]
    whole = stitched([(0, chunk.data), (2**53, chunk.data)])
    assert len(packets_in(whole)) == 2 * len(packets_in(chunk.data))


@pytest.mark.parametrize("data", [b"", b"\x1a\x45\xdf\xa3 and then nonsense", b"RIFF", bytes(5000)])
def test_hostile_parts_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        stitched([(0, data)])


def test_a_torn_stream_of_parts_is_refused() -> None:
    with pytest.raises(UnreadableError):
        stitch(io.BytesIO(b"torn"), io.BytesIO())
