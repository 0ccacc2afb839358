import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_desktop.library.timeline import ContradictionError, Hole, build_timeline
from scribe_desktop.model import Chunk, Gap


def chunk(sequence: int, first_sample: int, samples: int) -> Chunk:
    return Chunk("id", sequence, first_sample, samples, "", 0, 0, None, None)


def tiled(lengths: list[int]) -> list[Chunk]:
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    return [
        chunk(index, start, length)
        for index, (start, length) in enumerate(zip(starts, lengths, strict=True))
    ]


@given(st.permutations(tiled([1_439_688, 1_440_000, 960, 312])))
def test_chunks_in_any_order_make_one_whole_track(chunks: list[Chunk]) -> None:
    timeline = build_timeline(chunks)
    assert timeline.complete
    assert timeline.missing() == ""
    assert timeline.total_samples == 2_880_960
    assert [each.sequence for each in timeline.chunks] == [0, 1, 2, 3]


@given(
    st.lists(st.integers(1, 1_000), min_size=2, max_size=30),
    st.sets(st.integers(0, 28)),
)
def test_every_missing_sample_is_in_a_hole(lengths: list[int], lost: set[int]) -> None:
    everything = tiled(lengths)
    # The last chunk stays: a hole at the end cannot be seen.
    kept = [each for each in everything if each.sequence not in lost or each is everything[-1]]
    timeline = build_timeline(kept)
    assert sum(hole.samples for hole in timeline.holes) == sum(lengths) - sum(
        each.samples for each in kept
    )
    named = {
        sequence
        for hole in timeline.holes
        for sequence in range(hole.first_sequence, hole.last_sequence + 1)
    }
    assert named == {each.sequence for each in everything} - {each.sequence for each in kept}


def test_holes_are_told_in_words_that_count_from_one() -> None:
    chunks = tiled([10] * 9)
    timeline = build_timeline([chunks[1], chunks[5], chunks[8]])
    assert timeline.holes == (Hole(0, 10, 0, 0), Hole(20, 30, 2, 4), Hole(60, 20, 6, 7))
    assert timeline.missing() == "part 1, parts 3 to 5, parts 7 to 8"


def test_a_long_list_of_holes_is_shortened() -> None:
    timeline = build_timeline(tiled([10] * 30)[1::2])
    assert timeline.missing().endswith("part 15, and 7 more")


def test_gaps_say_what_is_silent_and_what_was_cut() -> None:
    gaps = [Gap(500, 0, "pause", 60_000), Gap(100, 48, "xrun", 1), Gap(200, 96, "no-device", 2)]
    timeline = build_timeline(tiled([1_000]), gaps)
    assert [gap.at_sample for gap in timeline.gaps] == [100, 200, 500]
    assert timeline.silent_samples == 144
    assert timeline.cut_ms == 60_000


def test_no_chunks_are_an_empty_track() -> None:
    assert build_timeline([]).total_samples == 0


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(0, 0, 100), chunk(1, 99, 100)],
        [chunk(0, 0, 100), chunk(0, 100, 100)],
        [chunk(0, 0, 100), chunk(1, 200, 100)],
        [chunk(0, 0, 100), chunk(2, 100, 100)],
    ],
)
def test_chunks_that_contradict_each_other_are_refused(chunks: list[Chunk]) -> None:
    with pytest.raises(ContradictionError):
        build_timeline(chunks)
