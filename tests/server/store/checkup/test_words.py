from scribe_server.store.checkup.findings import Kind
from scribe_server.store.checkup.segment import SegmentSight
from scribe_server.store.checkup.words import findings_of


def said(sight: SegmentSight) -> dict[Kind, str]:
    return {finding.kind: finding.message for finding in findings_of(sight)}


def test_a_sound_segment_has_no_findings() -> None:
    assert said(SegmentSight(1, size=4096, known_end=4096)) == {}


def test_what_a_file_lacks_or_has_too_much_of_is_said_in_bytes() -> None:
    assert "4096" in said(SegmentSight(1, size=None, known_end=4096))[Kind.SEGMENT_MISSING]
    assert "8192" in said(SegmentSight(1, size=8192))[Kind.SEGMENT_UNKNOWN]
    assert " 4096 bytes more" in said(SegmentSight(1, size=8192, known_end=4096))[Kind.TAIL]
    torn = SegmentSight(1, size=8192, known_end=8192, unreadable=4096, unreached_sound=3)
    message = said(torn)[Kind.RECORD_UNREADABLE]
    assert "from byte 4096 on" in message
    assert "3 chunks" in message


def test_an_empty_file_that_a_crash_left_is_no_finding() -> None:
    assert said(SegmentSight(3, size=0)) == {}


def test_a_wrong_count_is_said_with_both_numbers() -> None:
    found = said(SegmentSight(2, size=4096, known_end=4096, rows=3, counted=5))
    assert found == {Kind.SEGMENT_COUNT: "Segment 2 holds 3 chunks; the books count 5."}
