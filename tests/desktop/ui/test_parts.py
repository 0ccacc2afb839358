import pytest

from scribe_desktop.ui.parts import Part, Ribbon, part_name, parts_of, ribbon_of, summary
from scribe_desktop.ui.words import Words
from tests.desktop.ui.fake_app import chunk

WORDS = Words()


def test_parts_follow_the_chunks_and_end_with_what_is_being_recorded() -> None:
    chunks = [chunk(0, acked=True), chunk(1), chunk(2, refused="conflict"), chunk(3)]
    parts = parts_of(chunks, in_flight=1, verified=False, recording=True)
    assert parts == [Part.STORED, Part.SENDING, Part.PROBLEM, Part.ONLY_HERE, Part.RECORDING]


def test_with_a_receipt_the_parts_are_verified() -> None:
    chunks = [chunk(0, acked=True), chunk(1, acked=True)]
    parts = parts_of(chunks, in_flight=0, verified=True, recording=False)
    assert parts == [Part.VERIFIED, Part.VERIFIED]


def test_a_ribbon_with_room_has_a_cell_per_part() -> None:
    assert ribbon_of([Part.STORED] * 3, room=3) == Ribbon((Part.STORED,) * 3, 1)


def test_a_cell_of_several_parts_shows_the_one_that_needs_looking_at() -> None:
    parts = [Part.VERIFIED, Part.PROBLEM, Part.STORED, Part.ONLY_HERE, Part.STORED]
    assert ribbon_of(parts, room=3) == Ribbon((Part.PROBLEM, Part.ONLY_HERE, Part.STORED), 2)


def test_a_ribbon_without_parts_is_empty() -> None:
    assert ribbon_of([], room=0) == Ribbon((), 1)


def test_the_summary_counts_from_safe_to_unsafe() -> None:
    parts = [Part.STORED, Part.STORED, Part.ONLY_HERE, Part.RECORDING]
    assert summary(parts, WORDS, local=False) == (
        "4 parts: 2 on the server, 1 only on this computer, 1 being recorded"
    )
    assert summary([], WORDS, local=False) == "No parts yet"


@pytest.mark.parametrize("part", Part)
def test_with_the_bundled_server_no_part_is_elsewhere(part: Part) -> None:
    assert "server" not in part_name(part, WORDS, local=True)
    assert part_name(part, WORDS, local=False)
