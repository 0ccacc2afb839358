import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_desktop.capture.cutter import (
    PRE_ROLL_PACKETS,
    SHORTEST_SESSION,
    Cutter,
    PlannedChunk,
    first_sample_of,
)
from scribe_desktop.model import ENCODER_DELAY, PACKET_SAMPLES


def packet(index: int) -> bytes:
    return index.to_bytes(4, "big")


def packets_for(total_samples: int) -> int:
    """How many packets a continuous encode of so many samples gives."""
    return -(-(total_samples + ENCODER_DELAY) // PACKET_SAMPLES)


def cut_up(total_samples: int, pauses: set[int], chunk_packets: int) -> list[PlannedChunk]:
    cutter = Cutter(chunk_packets=chunk_packets)
    chunks: list[PlannedChunk | None] = []
    for index in range(packets_for(total_samples)):
        if index in pauses:
            chunks.append(cutter.cut())
        chunks.append(cutter.add(packet(index)))
    chunks.append(cutter.finish(total_samples))
    return [chunk for chunk in chunks if chunk is not None]


@given(
    st.integers(SHORTEST_SESSION, 60_000),
    st.sets(st.integers(0, 62)),
    st.integers(PRE_ROLL_PACKETS, 20),
)
def test_chunks_tile_the_timeline_whatever_the_cuts_are(
    total: int, pauses: set[int], chunk_packets: int
) -> None:
    chunks = cut_up(total, pauses, chunk_packets)
    ends = [0, *(chunk.first_sample + chunk.samples for chunk in chunks)]
    assert [chunk.first_sample for chunk in chunks] == ends[:-1]
    assert ends[-1] == total
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    assert all(chunk.samples > 0 for chunk in chunks)


@given(
    st.integers(SHORTEST_SESSION, 60_000),
    st.sets(st.integers(0, 62)),
    st.integers(PRE_ROLL_PACKETS, 20),
)
def test_every_packet_is_in_one_chunk_and_the_pre_roll_is_the_four_before(
    total: int, pauses: set[int], chunk_packets: int
) -> None:
    chunks = cut_up(total, pauses, chunk_packets)
    everything = [each for chunk in chunks for each in chunk.packets]
    assert everything == [packet(index) for index in range(packets_for(total))]
    assert chunks[0].pre_roll == ()
    place = len(chunks[0].packets)
    for chunk in chunks[1:]:
        assert chunk.pre_roll == tuple(everything[place - PRE_ROLL_PACKETS : place])
        place += len(chunk.packets)
    assert all(chunk.discard == 0 for chunk in chunks[:-1])
    assert 0 <= chunks[-1].discard < PACKET_SAMPLES


def test_the_first_chunk_is_312_samples_short_and_full_ones_are_30_s() -> None:
    chunks = cut_up(3 * 1_440_000, set(), 1500)
    assert [chunk.samples for chunk in chunks] == [1_439_688, 1_440_000, 1_440_000, 312]


def test_a_pause_right_at_the_start_cuts_nothing() -> None:
    cutter = Cutter()
    assert cutter.cut() is None
    for index in range(PRE_ROLL_PACKETS - 1):
        cutter.add(packet(index))
        assert cutter.cut() is None
    cutter.add(packet(3))
    chunk = cutter.cut()
    assert chunk is not None
    assert (chunk.first_sample, chunk.samples) == (0, first_sample_of(4))


def test_packets_of_a_short_stretch_go_into_the_chunk_after_the_pause() -> None:
    chunks = cut_up(20_000, {6, 8, 9}, 1500)
    assert [len(chunk.packets) for chunk in chunks] == [6, 16]


def test_a_session_without_packets_has_no_chunk() -> None:
    assert Cutter().finish(0) is None


@pytest.mark.parametrize("total", [647, 1609])
def test_a_length_that_the_packets_do_not_reach_or_exceed_by_a_packet_is_refused(
    total: int,
) -> None:
    cutter = Cutter()
    cutter.add(packet(0))
    if total == 647:
        cutter.add(packet(1))
    with pytest.raises(ValueError, match="cannot end"):
        cutter.finish(total)


def test_only_the_first_chunk_goes_without_pre_roll() -> None:
    with pytest.raises(ValueError, match="pre-roll"):
        Cutter(sequence=1, first_packet=1500)
