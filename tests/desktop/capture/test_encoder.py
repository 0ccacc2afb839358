import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scribe_desktop.capture.encoder import OpusEncoder
from scribe_desktop.errors import AudioError
from tests.parts.capture import tone


def encode(pieces: list[int], *, channels: int = 1, bitrate: int = 32_000) -> list[bytes]:
    sound = tone(sum(pieces), channels=channels)
    encoder = OpusEncoder(channels=channels, bitrate=bitrate)
    packets: list[bytes] = []
    place = 0
    for length in pieces:
        packets += encoder.encode(sound[place : place + length])
        place += length
    return packets + encoder.finish()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=8))
def test_the_packets_do_not_depend_on_how_the_sound_arrives(pieces: list[int]) -> None:
    assert encode(pieces) == encode([sum(pieces)])


@pytest.mark.parametrize(
    ("samples", "packets"), [(1, 1), (648, 1), (649, 2), (960, 2), (1608, 2), (1609, 3)]
)
def test_the_encoder_adds_312_samples_and_fills_up_the_last_packet(
    samples: int, packets: int
) -> None:
    assert len(encode([samples])) == packets


@pytest.mark.parametrize(("channels", "bitrate"), [(1, 16_000), (1, 128_000), (2, 64_000)])
def test_the_bitrate_is_about_what_was_asked_for(channels: int, bitrate: int) -> None:
    packets = encode([240_000], channels=channels, bitrate=bitrate)
    assert 0.5 < sum(map(len, packets)) * 8 / 5 / bitrate < 1.5


def test_an_impossible_bitrate_is_an_audio_error() -> None:
    with pytest.raises(AudioError, match="cannot be encoded"):
        OpusEncoder(channels=1, bitrate=5_000_000)
