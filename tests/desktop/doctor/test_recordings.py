from pathlib import Path

from scribe_desktop.doctor.findings import Kind
from scribe_desktop.doctor.recordings import Examined, examine_recordings
from scribe_desktop.spool import Spool
from scribe_desktop.spool.quarantine import FILE_NAME, REPORT
from tests.parts.fake_app_parts import paths_in
from tests.parts.filled_spool import add_session, session_id_of, spool_in


def spool_with(folder: Path, *, sessions: int = 1) -> Spool:
    spool = spool_in(paths_in(folder).spool_dir)
    for number in range(sessions):
        add_session(spool, session_id_of(number), chunks=2)
    return spool


def examined(folder: Path, *, running: bool = False) -> Examined:
    return examine_recordings(paths_in(folder), quick=False, is_running=lambda: running)


def kinds(found: Examined) -> list[Kind]:
    return [finding.kind for finding in found.findings]


def test_nothing_recorded_yet_is_sound_and_nothing_is_made(tmp_path: Path) -> None:
    found = examined(tmp_path)
    assert found.is_sound
    assert list(tmp_path.iterdir()) == []


def test_everything_is_counted_and_progress_is_told(tmp_path: Path) -> None:
    spool_with(tmp_path, sessions=2).close()
    told: list[tuple[int, int]] = []
    found = examine_recordings(
        paths_in(tmp_path), quick=True, is_running=lambda: False,
        progress=lambda done, of: told.append((done, of)),
    )  # fmt: skip
    assert (found.counted.sessions, found.counted.parts, found.counted.unsent) == (2, 4, 4)
    assert told == [(0, 2), (1, 2)]


def test_it_works_while_the_owner_writes_and_leaves_its_recordings_alone(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    add_session(spool, session_id_of(7), chunks=1, ended=False)
    assert examined(tmp_path, running=True).is_sound
    assert kinds(examined(tmp_path)) == [Kind.SESSION_OPEN]
    spool.close()


def test_sums_that_do_not_fit_are_found(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    spool.change(lambda c: c.execute("UPDATE sessions SET unsent = 5, bytes = 1") and None)
    assert kinds(examined(tmp_path)) == [Kind.COUNTERS]
    spool.close()


def test_rows_without_what_they_belong_to_are_found(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    spool._db.conn.execute("PRAGMA foreign_keys = OFF")
    spool.change(lambda c: c.execute("INSERT INTO audio VALUES (99, x'00')") and None)
    found = examined(tmp_path)
    assert kinds(found) == [Kind.FOREIGN_KEY]
    assert "audio without chunks" in found.findings[0].message
    spool.close()


def test_a_file_that_is_no_database_is_a_finding(tmp_path: Path) -> None:
    place = paths_in(tmp_path).spool_dir
    place.mkdir(parents=True)
    (place / FILE_NAME).write_bytes(b"no database at all" * 1000)
    assert kinds(examined(tmp_path)) == [Kind.DATABASE_DAMAGED]


def test_a_broken_page_is_a_finding(tmp_path: Path) -> None:
    spool_with(tmp_path, sessions=12).close()
    file = paths_in(tmp_path).spool_dir / FILE_NAME
    data = bytearray(file.read_bytes())
    data[3 * 8192 : 4 * 8192] = bytes(8192)
    file.write_bytes(bytes(data))
    assert kinds(examined(tmp_path)) == [Kind.DATABASE_DAMAGED]


def test_a_file_of_a_newer_version_is_told_with_what_to_do(tmp_path: Path) -> None:
    spool = spool_with(tmp_path)
    spool.change(
        lambda c: (
            c.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
                " VALUES ('spool', '9999_later', '')"
            )
            and None
        )
    )
    found = examined(tmp_path)
    assert kinds(found) == [Kind.DATABASE_CLOSED]
    assert "Install the newest version" in found.findings[0].message
    spool.close()


def test_a_file_in_quarantine_is_told_until_and_after_it_was_taken_over(tmp_path: Path) -> None:
    place = paths_in(tmp_path).spool_dir
    place.mkdir(parents=True)
    (place / FILE_NAME).write_bytes(b"no database at all" * 1000)
    fresh = spool_in(place)
    assert kinds(examined(tmp_path)) == [Kind.SALVAGE_WAITING]
    fresh.salvage_quarantined()
    found = examined(tmp_path)
    assert (kinds(found), found.is_sound) == ([Kind.QUARANTINED], True)
    assert str(fresh.quarantined) in found.findings[0].message
    assert fresh.quarantined is not None
    fresh.quarantined.with_name(REPORT).write_text("not JSON", encoding="utf-8")
    assert "cannot be read" in examined(tmp_path).findings[0].message
    fresh.close()
