"""A segment's sight as findings: one per session and kind, not one per chunk."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Row

from scribe_server.protocol import to_ranges
from scribe_server.store.blobs import FoundRecord
from scribe_server.store.checkup.findings import Finding, Kind, ranges_in_words
from scribe_server.store.checkup.segment import SegmentSight

_ROW_WORDS: Final = {
    Kind.CHUNK_DAMAGED: "count as stored, but their bytes are missing or changed",
    Kind.CHUNK_MISSING: "are damaged; a client that still has them sends them when it connects",
    Kind.CHUNK_SOUND_AGAIN: "count as damaged, but their bytes hold",
}
_RECORD_WORDS: Final = {
    Kind.RECORD_WITHOUT_ROW: "are whole in the segments, but not in the books",
    Kind.DELETED_READABLE: "can still be read, although the session was deleted",
    Kind.TOMBSTONE_NOT_APPLIED: "have a tombstone in the segments, but are not deleted",
}


def findings_of(sight: SegmentSight) -> Iterator[Finding]:
    """What is to be said of one segment."""
    for kind, rows in (
        (Kind.CHUNK_DAMAGED, sight.damaged),
        (Kind.CHUNK_MISSING, sight.waiting),
        (Kind.CHUNK_SOUND_AGAIN, sight.healed),
    ):
        yield from _of_rows(kind, rows, sight.number)
    for kind, records in (
        (Kind.RECORD_WITHOUT_ROW, sight.unindexed),
        (Kind.DELETED_READABLE, sight.readable),
        (Kind.TOMBSTONE_NOT_APPLIED, sight.unapplied),
    ):
        yield from _of_records(kind, records, sight.number)
    yield from _of_file(sight)


def _of_file(sight: SegmentSight) -> Iterator[Finding]:
    number, size = sight.number, sight.size
    if sight.unreadable and size is not None:
        at = (sight.known_end or 0) - sight.unreadable
        message = (
            f"Segment {number} cannot be scanned from byte {at} on ({sight.unreadable} bytes); "
            f"{sight.unreached_sound} chunks there are sound, but --rebuild would not find them."
        )
        yield Finding(Kind.RECORD_UNREADABLE, message, segment=number)
    if size is None and sight.known_end:
        message = f"Segment {number} is missing; it should have {sight.known_end} bytes."
        yield Finding(Kind.SEGMENT_MISSING, message, segment=number)
    if size and sight.known_end is None:  # an empty one was only just made when a crash came
        message = f"Segment {number} ({size} bytes) is not in the books."
        yield Finding(Kind.SEGMENT_UNKNOWN, message, segment=number)
    elif size is not None and size > (sight.known_end or 0):
        tail = size - (sight.known_end or 0)
        message = f"Segment {number} has {tail} bytes more than the books know; the next start "
        yield Finding(Kind.TAIL, message + "indexes what is whole of them.", segment=number)
    if sight.known_end is not None and sight.rows != sight.counted:
        message = f"Segment {number} holds {sight.rows} chunks; the books count {sight.counted}."
        yield Finding(Kind.SEGMENT_COUNT, message, segment=number)


def _of_rows(kind: Kind, rows: Iterable[Row[Any]], segment: int) -> Iterator[Finding]:
    places = [(row.name, row.uuid, row.sequence) for row in rows]
    return _grouped(kind, places, _ROW_WORDS[kind], segment)


def _of_records(kind: Kind, records: Iterable[FoundRecord], segment: int) -> Iterator[Finding]:
    places = [(found.about.user, found.about.session, found.sequence) for found in records]
    return _grouped(kind, places, _RECORD_WORDS[kind], segment)


def _grouped(
    kind: Kind, places: Iterable[tuple[str, str, int]], words: str, segment: int
) -> Iterator[Finding]:
    by_session: dict[tuple[str, str], list[int]] = {}
    for user, uuid, sequence in places:
        by_session.setdefault((user, uuid), []).append(sequence)
    for (user, uuid), sequences in by_session.items():
        ranges = tuple(to_ranges(sorted(set(sequences))))
        message = f"Chunks {ranges_in_words(ranges)} of session {uuid} of {user} {words}."
        yield Finding(kind, message, uuid, user, segment, ranges)
