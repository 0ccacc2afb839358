import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scribe_desktop.capture.ring import Ring


def block(start: int, count: int) -> np.ndarray:
    return (np.arange(start, start + count) % 30_000).astype(np.int16).reshape(-1, 1)


def drain(ring: Ring) -> list[tuple[list[int], int]]:
    pieces = []
    while (piece := ring.read()) is not None:
        pieces.append((piece.samples[:, 0].tolist(), piece.missing))
    return pieces


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=60))
def test_every_frame_is_read_once_or_counted_as_missing_in_its_place(
    steps: list[tuple[int, bool]],
) -> None:
    ring = Ring(64, 1)
    written = 0
    timeline: list[int | None] = []

    def read() -> None:
        for samples, missing in drain(ring):
            timeline.extend(samples)
            timeline.extend([None] * missing)

    for count, reads in steps:
        ring.write(block(written, count))
        written += count
        if reads:
            read()
    ring.write(block(written, 0))
    read()
    ring.write(block(written, 1))
    read()
    assert len(timeline) == written + 1
    assert all(value is None or value == place for place, value in enumerate(timeline))


def test_nothing_to_read_is_none() -> None:
    assert Ring(10, 2).read() is None


def test_what_is_read_does_not_change_when_the_ring_goes_on() -> None:
    ring = Ring(10, 1)
    ring.write(block(0, 10))
    piece = ring.read()
    assert piece is not None
    ring.write(block(100, 10))
    assert piece.samples[:, 0].tolist() == list(range(10))


def test_frames_that_the_device_lost_are_placed_before_the_next_block() -> None:
    ring = Ring(100, 1)
    ring.write(block(0, 5))
    ring.note_missing(7)
    ring.write(block(5, 5))
    assert drain(ring) == [([0, 1, 2, 3, 4], 7), ([5, 6, 7, 8, 9], 0)]
    assert ring.overruns == 1


def test_more_marks_than_there_is_room_for_lose_no_count() -> None:
    ring = Ring(1_000, 1)
    for _ in range(100):
        ring.note_missing(1)
        ring.write(block(0, 1))
    ring_total = sum(len(samples) + missing for samples, missing in drain(ring))
    ring.write(block(0, 1))
    ring_total += sum(len(samples) + missing for samples, missing in drain(ring))
    assert ring_total == 201


def test_a_writer_and_a_reader_side_by_side_agree() -> None:
    ring = Ring(1_000, 1)
    done = threading.Event()

    def write() -> None:
        for number in range(500):
            ring.write(block(number * 37, 37))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    place = 0
    while True:
        finished = done.is_set()
        piece = ring.read()
        if piece is not None:
            expected = block(place, len(piece.samples))
            assert np.array_equal(piece.samples, expected)
            place += len(piece.samples) + piece.missing
        elif finished:
            break
    writer.join()
    ring.write(block(place, 1))
    while (piece := ring.read()) is not None:
        place += len(piece.samples) + piece.missing
    assert place == 500 * 37 + 1
