from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.doctor.findings import Counted, Finding, Kind
from scribe_desktop.doctor.sessions import examine_session, of_deleted
from scribe_desktop.spool import Spool
from scribe_desktop.spool.checkup import Deleted
from tests.parts.delivered import deliver
from tests.parts.filled_spool import add_session, chunk_bytes, session_id_of, spool_in

SESSION = session_id_of(1)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = spool_in(tmp_path)
    add_session(made, SESSION, chunks=4)
    yield made
    made.close()


def change(spool: Spool, sql: str, *values: object) -> None:
    spool.change(lambda connection: connection.execute(sql, values) and None)


def found_in(spool: Spool, *, quick: bool = False) -> tuple[list[Finding], Counted]:
    session = spool.session(SESSION)
    assert session is not None
    counted = Counted()
    return list(examine_session(spool, session, counted, quick=quick)), counted


def kinds_in(spool: Spool, *, quick: bool = False) -> dict[Kind, tuple[tuple[int, int], ...]]:
    findings, _ = found_in(spool, quick=quick)
    return {finding.kind: finding.sequences for finding in findings}


def flip_a_byte(spool: Spool, sequence: int) -> None:
    data = bytearray(chunk_bytes(SESSION, sequence))
    data[100] ^= 1
    change(spool, "UPDATE audio SET data = ? WHERE chunk = ?", bytes(data), sequence + 1)


def test_a_whole_recording_has_nothing_to_tell_and_all_of_it_was_hashed(spool: Spool) -> None:
    findings, counted = found_in(spool)
    assert findings == []
    session = spool.session(SESSION)
    assert session is not None
    assert (counted.sessions, counted.parts, counted.bytes) == (1, 4, session.bytes)


def test_a_flipped_byte_is_found_unless_it_is_quick(spool: Spool) -> None:
    flip_a_byte(spool, 2)
    assert kinds_in(spool) == {Kind.PART_DAMAGED: ((2, 2),)}
    assert kinds_in(spool, quick=True) == {}
    assert found_in(spool, quick=True)[1].bytes == 0


def test_another_length_is_found_also_when_it_is_quick(spool: Spool) -> None:
    change(spool, "UPDATE audio SET data = x'00' WHERE chunk = 1")
    assert kinds_in(spool, quick=True) == {Kind.PART_DAMAGED: ((0, 0),)}


def test_what_is_not_here_is_told_by_what_it_means(spool: Spool) -> None:
    change(spool, "DELETE FROM audio WHERE chunk IN (1, 2, 3)")
    chunk = spool.chunks(SESSION)[0]
    spool.mark_acked(SESSION, 0, sha256=chunk.sha256, acked_at=1)
    spool.mark_refused(SESSION, 1, "damaged")
    assert kinds_in(spool) == {
        Kind.PART_ELSEWHERE: ((0, 0),),
        Kind.PART_LOST: ((1, 1),),
        Kind.PART_MISSING: ((2, 2),),
    }


def test_a_recording_whose_audio_was_deleted_lacks_nothing(spool: Spool) -> None:
    deliver(spool, SESSION)
    spool.delete_audio(SESSION, deleted_at=9)
    findings, counted = found_in(spool)
    assert findings == []
    assert counted.receipts == 1


def test_a_hole_in_the_timeline_is_found(spool: Spool) -> None:
    change(spool, "UPDATE chunks SET first_sample = first_sample + 1 WHERE sequence = 2")
    assert kinds_in(spool) == {Kind.TIMELINE: ((2, 3),)}
    change(spool, "DELETE FROM chunks WHERE sequence IN (0, 2)")
    assert kinds_in(spool) == {Kind.TIMELINE: ((1, 1), (3, 3))}


def test_a_receipt_for_something_else_is_found(spool: Spool) -> None:
    deliver(spool, SESSION)
    assert kinds_in(spool) == {}
    change(
        spool,
        "UPDATE receipts SET receipt_json = replace(receipt_json, '\"chunks\":4', '\"chunks\":5')",
    )
    findings, _ = found_in(spool)
    assert [finding.kind for finding in findings] == [Kind.RECEIPT_INVALID]
    assert "signature" in findings[0].message


def test_a_receipt_beside_a_part_without_ack_is_a_contradiction(spool: Spool) -> None:
    deliver(spool, SESSION)
    change(spool, "UPDATE chunks SET acked_at = NULL WHERE sequence = 1")
    findings, _ = found_in(spool)
    assert [finding.kind for finding in findings] == [Kind.RECEIPT_INVALID]
    assert "1 parts count as not on the server" in findings[0].message


def test_audio_that_was_deleted_before_the_server_had_it_is_told_in_minutes() -> None:
    deleted = Deleted(SESSION, dropping=False, left=0, unsent=2, unsent_samples=2 * 1_440_000)
    (found,) = of_deleted([deleted])
    assert found.kind is Kind.DELETED_UNSENT
    assert "2 parts of it (1.0 minutes)" in found.message


def test_a_deletion_that_did_not_end_is_told() -> None:
    waiting = Deleted(SESSION, dropping=True, left=3, unsent=0, unsent_samples=0)
    left = Deleted(SESSION, dropping=False, left=3, unsent=0, unsent_samples=0)
    assert [found.kind for found in of_deleted([waiting, left])] == [
        Kind.DELETION_WAITING, Kind.AUDIO_LEFT,
    ]  # fmt: skip
