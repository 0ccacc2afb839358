import pytest

from scribe_desktop.errors import AudioError
from scribe_desktop.library.webm import read_chunk
from tests.parts.capture import one_encode, recorded_chunks, tone


@pytest.mark.parametrize("channels", [1, 2])
def test_chunks_give_back_the_packets_of_the_continuous_encode(channels: int) -> None:
    sound = tone(200_017, channels=channels)
    chunks = recorded_chunks(sound, chunk_packets=50)
    packets: list[bytes] = []
    for chunk in chunks:
        read = read_chunk(chunk.data)
        assert read.samples == chunk.samples
        assert read.head[:10] == b"OpusHead\x01" + bytes([channels])
        assert len(read.pre_roll) == (4 if chunk.sequence else 0)
        packets += read.packets
    assert packets == one_encode(sound)


def test_only_the_last_chunk_is_trimmed() -> None:
    reads = [read_chunk(chunk.data) for chunk in recorded_chunks(tone(100_000), chunk_packets=50)]
    assert [read.discard for read in reads] == [0, 0, 105 * 960 - 312 - 100_000]


@pytest.mark.parametrize("data", [b"", b"not a file at all", b"\x1a\x45\xdf\xa3" + bytes(100)])
def test_what_is_no_chunk_is_an_audio_error(data: bytes) -> None:
    with pytest.raises(AudioError, match="cannot be read"):
        read_chunk(data)
