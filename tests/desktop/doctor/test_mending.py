from pathlib import Path

from scribe_desktop.capture.journal import Journal, JournalHeader
from scribe_desktop.doctor.findings import Kind
from scribe_desktop.doctor.mending import mend
from scribe_desktop.doctor.recordings import Examined, examine_recordings
from scribe_desktop.doctor.refetch import Fetch
from scribe_desktop.spool import Spool
from scribe_desktop.spool.checkup import SET_ASIDE
from scribe_desktop.spool.quarantine import FILE_NAME
from tests.parts.delivered import deliver
from tests.parts.fake_app_parts import paths_in
from tests.parts.filled_spool import (
    add_session,
    chunk_bytes,
    new_session,
    session_id_of,
    spool_in,
)

SESSION = session_id_of(1)
PLACE = f"its damaged bytes are kept in {SET_ASIDE}/{SESSION}"


def spool_with(folder: Path) -> Spool:
    spool = spool_in(paths_in(folder).spool_dir)
    add_session(spool, SESSION, chunks=4)
    return spool


def examined(folder: Path) -> Examined:
    return examine_recordings(paths_in(folder), quick=False, is_running=lambda: False)


def mended(folder: Path, fetch: Fetch | None = None) -> tuple[list[str], Examined]:
    """What was done, and what is found after it."""
    done = list(mend(paths_in(folder), examined(folder), lambda: 7_000, quick=False, fetch=fetch))
    return done, examined(folder)


def change(spool: Spool, sql: str) -> None:
    spool.change(lambda connection: connection.execute(sql) and None)


def test_a_damaged_part_is_kept_aside_and_declared(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    chunk = spool.chunks(SESSION)[3]
    spool.mark_acked(SESSION, 3, sha256=chunk.sha256, acked_at=1)
    change(spool, "UPDATE audio SET data = x'0102' WHERE chunk IN (2, 4)")
    done, after = mended(tmp_path)
    assert done == [
        f"Part 1 of {SESSION} counts as damaged from now on; {PLACE}-1.webm",
        f"Part 3 of {SESSION} is on the server only now; {PLACE}-3.webm",
    ]
    kept = paths_in(tmp_path).spool_dir / SET_ASIDE / f"{SESSION}-1.webm"
    assert kept.read_bytes() == b"\x01\x02"
    assert [finding.kind for finding in after.findings] == [Kind.PART_LOST, Kind.PART_ELSEWHERE]
    assert after.is_sound
    assert [part.refused_code for part in spool.chunks(SESSION)] == [None, "damaged", None, None]
    assert spool.pending() == 2
    assert spool.chunk_data(SESSION, 0) == chunk_bytes(SESSION, 0)
    spool.close()


def test_what_the_server_has_is_fetched_and_counts_as_here_again(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    deliver(spool, SESSION)
    change(spool, "UPDATE audio SET data = x'0102' WHERE chunk = 2")
    change(spool, "DELETE FROM audio WHERE chunk = 4")
    done, after = mended(tmp_path, chunk_bytes)
    assert done == [
        f"Part 1 of {SESSION} was fetched from the server; {PLACE}-1.webm",
        f"Fetched part 3 of {SESSION} from the server",
    ]
    assert after.findings == []
    assert spool.chunk_data(SESSION, 1) == chunk_bytes(SESSION, 1)
    spool.close()


def test_a_part_without_bytes_is_declared(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    change(spool, "DELETE FROM audio WHERE chunk = 1")
    done, after = mended(tmp_path)
    assert done == [f"Part 0 of {SESSION} counts as damaged from now on"]
    assert after.is_sound
    spool.close()


def test_a_journal_that_nobody_writes_becomes_a_recording(tmp_path: Path) -> None:
    spool_with(tmp_path).close()
    other = session_id_of(2)
    folder = paths_in(tmp_path).journal_dir
    journal = Journal(folder / f"{other}.journal")
    header = JournalHeader(new_session(other), sequence=0, first_sample=0, started_at=1_000)
    journal.replace(header, [(960 * number - 312, b"\xf8\xff\xfe") for number in range(100)])
    journal.close()
    (folder / "x.journal").write_bytes(b"nonsense")
    done, after = mended(tmp_path)
    assert done[0] == f"Recovered the recording {other}: 1 parts, ended as recovered"
    assert "Put a damaged journal aside" in done[1]
    assert (folder / "x.7000.damaged").read_bytes() == b"nonsense"
    assert after.is_sound
    assert after.counted.sessions == 2


def test_a_recording_that_was_never_ended_is_ended(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    add_session(spool, session_id_of(2), chunks=1, ended=False)
    done, after = mended(tmp_path)
    assert "ended as recovered" in done[0]
    assert after.is_sound
    spool.close()


def test_a_receipt_that_does_not_hold_is_withdrawn_and_kept(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    deliver(spool, SESSION)
    change(spool, "UPDATE receipts SET public_key = '00'")
    done, after = mended(tmp_path)
    assert done == [f"Withdrew the receipt of {SESSION}; another one is asked for"]
    assert after.is_sound
    assert spool.receipt(SESSION) is None
    assert spool.count_awaiting_receipt() == 1
    spool.close()


def test_wrong_sums_are_counted_anew(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    change(spool, "UPDATE sessions SET unsent = 0, chunks = 9, has_receipt = 1, waiting = 0")
    assert spool.pending() == 0
    done, after = mended(tmp_path)
    assert done == ["Counted the parts of every recording anew"]
    assert (after.is_sound, spool.pending()) == (True, 4)
    spool.close()


def test_an_interrupted_deletion_is_ended(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    deliver(spool, SESSION)
    change(spool, "UPDATE sessions SET audio_deleted_at = 1, dropping = 1")
    done, after = mended(tmp_path)
    assert done == [f"Ended the deletion of the audio of {SESSION}"]
    assert after.findings == []
    spool.close()


def test_a_damaged_file_is_put_aside_and_its_contents_are_taken_over_and_mended(
    tmp_path: Path,
) -> None:
    spool = spool_with(tmp_path)
    for number in range(2, 12):
        add_session(spool, session_id_of(number), chunks=2)
    spool.close()
    file = paths_in(tmp_path).spool_dir / FILE_NAME
    data = bytearray(file.read_bytes())
    last = len(data) - 8192
    data[last:] = bytes(8192)
    file.write_bytes(bytes(data))
    done, after = mended(tmp_path)
    assert done[0].startswith("Put the damaged file aside: ")
    assert done[1].startswith("Took over what can be read of it. ")
    assert after.is_sound
    assert Kind.QUARANTINED in {finding.kind for finding in after.findings}
    assert after.counted.sessions == 11
