import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scribe_desktop.capture.cutter import Cutter, PlannedChunk
from scribe_desktop.capture.encoder import OpusEncoder
from scribe_desktop.capture.webm import chunk_file
from tests.parts.capture import decoded, packets_in, samples_by_ffmpeg, tone


def cut_up(samples: int, pauses: set[int], *, channels: int = 1) -> list[PlannedChunk]:
    encoder = OpusEncoder(channels=channels, bitrate=32_000)
    packets = encoder.encode(tone(samples, channels=channels)) + encoder.finish()
    cutter = Cutter(chunk_packets=40)
    chunks: list[PlannedChunk | None] = []
    for index, packet in enumerate(packets):
        if index in pauses:
            chunks.append(cutter.cut())
        chunks.append(cutter.add(packet))
    chunks.append(cutter.finish(samples))
    return [chunk for chunk in chunks if chunk is not None]


@settings(max_examples=25, deadline=None)
@given(st.integers(648, 80_000), st.sets(st.integers(0, 85)))
def test_every_chunk_decodes_alone_to_exactly_its_samples(samples: int, pauses: set[int]) -> None:
    for chunk in cut_up(samples, pauses):
        assert len(decoded(chunk_file(chunk, channels=1))) == chunk.samples


@pytest.mark.parametrize("channels", [1, 2])
def test_the_ffmpeg_program_plays_every_chunk_to_the_sample(channels: int) -> None:
    chunks = cut_up(48_017, {7, 45}, channels=channels)
    assert len(chunks) == 3
    for chunk in chunks:
        data = chunk_file(chunk, channels=channels)
        assert samples_by_ffmpeg(data, channels=channels) == chunk.samples


def test_a_file_holds_the_pre_roll_and_its_own_packets_unchanged() -> None:
    for chunk in cut_up(60_000, {9, 30}):
        held = packets_in(chunk_file(chunk, channels=1))
        assert held == [*chunk.pre_roll, *chunk.packets]


def test_the_same_chunk_always_gives_the_same_bytes() -> None:
    chunk = cut_up(30_000, set())[0]
    assert chunk_file(chunk, channels=1) == chunk_file(chunk, channels=1)


def test_the_shortest_session_decodes_to_648_samples() -> None:
    (chunk,) = cut_up(648, set())
    assert len(decoded(chunk_file(chunk, channels=1))) == chunk.samples == 648
