"""The spool fails under a running recording: it goes on elsewhere, and not a packet is missing."""

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from scribe_desktop.app import App
from scribe_desktop.app import relocation as relocation_module
from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.config import Settings
from scribe_desktop.credentials import MemoryCredentials
from scribe_desktop.library.export import export_session
from scribe_desktop.model import CaptureReason, CaptureState
from scribe_desktop.paths import Paths
from scribe_desktop.spool import NewChunk, Spool, SpoolFailureError
from scribe_desktop.spool.failures import from_sqlite
from scribe_desktop.spool.quarantine import FILE_NAME, quarantined
from tests.parts.capture import SESSION_ID, tone
from tests.parts.damaging import overwrite_page, root_page
from tests.parts.disks import can_mount
from tests.parts.filled_spool import session_id_of
from tests.parts.processes import short_folder, wait_until
from tests.parts.sound import RATE, decode, encode_in_one_piece, read_wav, write_wav

pytestmark = pytest.mark.real
OTHER_ID = session_id_of(2)


@pytest.fixture
def home() -> Iterator[Path]:
    folder = short_folder("move-")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def sound(home: Path) -> Path:
    return write_wav(home / "sound.wav", tone(60 * RATE)[:, 0])


def app_in(home: Path, *, rescue: bool = True) -> App:
    rescues = (home / "e",) if rescue else ()
    paths = Paths(*(home / name for name in ("c", "data", "r", "l")), rescue_dirs=rescues)
    return App(Settings(server=""), paths, MemoryCredentials(), environ={})


def recording(app: App, sound: Path) -> None:
    app.start_recording(request_of(SESSION_ID, sound))
    record_on(app)


def request_of(session_id: str, sound: Path) -> RecordingRequest:
    return RecordingRequest(session_id=session_id, title="T", source="import", input_file=sound)


def record_on(app: App) -> None:
    before = app.capture.samples
    wait_until(
        lambda: app.capture.samples > before + RATE // 2, timeout_s=20, what="half a second more"
    )


def cut(app: App, *, parts: int) -> None:
    """Pausing makes a part at once."""
    app.pause_recording()
    wait_until(
        lambda: app.status.session_chunks >= parts and app.capture.reason == "",
        timeout_s=20,
        what=f"part {parts} in the spool",
    )
    app.resume_recording()
    record_on(app)


def stop(app: App) -> None:
    app.stop_recording()
    assert app.wait_recorded(20)
    assert app.failure is None
    assert app.capture.state is CaptureState.IDLE


def assert_whole(app: App, sound: Path, *, parts: int) -> None:
    with closing(Spool.open_read_only(app.paths.spool_dir)) as spool:
        (session,) = spool.sessions()
        assert (session.chunks, session.refused_chunks, session.recovered) == (parts, 0, False)
        assert session.ended_at is not None
        output = sound.with_name("out.webm")
        export_session(spool, SESSION_ID, "webm", output)
    kept = decode(output)
    source = decode(encode_in_one_piece(read_wav(sound)))
    assert len(kept) == session.total_samples > RATE
    # The encoder's end differs from its middle: compare what lies before it.
    assert np.array_equal(kept[: -RATE // 10], source[: len(kept) - RATE // 10])


def test_a_page_that_is_overwritten_while_recording_costs_nothing(home: Path, sound: Path) -> None:
    app = app_in(home)
    app.start()
    recording(app, sound)
    cut(app, parts=1)
    file = app.paths.spool_dir / FILE_NAME
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    overwrite_page(file, root_page(file, "chunks_unsent"))

    cut(app, parts=2)
    stop(app)

    assert len(quarantined(app.paths.spool_dir)) == 1
    assert "put aside while Scribe was running" in app.status.storage
    assert_whole(app, sound, parts=3)
    app.stop()


def test_a_disk_that_fails_while_recording_is_left_and_the_next_start_brings_it_together(
    home: Path, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocation_module, "PAUSE_S", 0.1)
    app = app_in(home)
    app.start()
    recording(app, sound)
    cut(app, parts=1)
    ordinary, real = app.paths.spool_dir, Spool.add_chunk

    def failing(spool: Spool, chunk: NewChunk) -> None:
        if spool._folder == ordinary:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise from_sqlite(error)
        real(spool, chunk)

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "add_chunk", failing)
        cut(app, parts=1)
        stop(app)
        assert app.paths.data_dir == home / "e"
        assert str(home / "e") in app.status.storage
        app.stop()

    again = app_in(home)
    again.start()
    assert [found.complete for found in again.storage.taken_over] == [True]
    assert_whole(again, sound, parts=3)
    assert not (home / "e").exists()
    again.stop()


@can_mount
def test_a_full_disk_ends_a_recording_completely_and_the_next_begins_once_there_is_room(
    home: Path, sound: Path
) -> None:
    data = home / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=180m", "tmpfs", str(data)], check=True)
    app = app_in(home, rescue=False)
    try:
        app.start()
        recording(app, sound)
        assert (data / "ballast").exists()
        fill(data / "filler")
        assert app.wait_recorded(20)
        assert app.capture.reason is CaptureReason.DISK_FULL
        assert app.failure is not None
        assert "complete" in app.failure.message
        assert_whole(app, sound, parts=1)
        with pytest.raises(SpoolFailureError, match="are free in"):
            app.start_recording(request_of(OTHER_ID, sound))
        (data / "filler").unlink()
        app.start_recording(request_of(OTHER_ID, sound))
        record_on(app)
        stop(app)
        assert len(app.sessions()) == 2
    finally:
        app.stop()
        subprocess.run(["umount", str(data)], check=True)


def fill(file: Path) -> None:
    """Write until not a byte more fits."""
    with file.open("wb", buffering=0) as filler:
        for block in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(block))
