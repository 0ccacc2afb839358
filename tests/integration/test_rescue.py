"""The usual folder fails: real processes record elsewhere, are killed, and bring all back."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scribe_desktop.library.export import export_session
from scribe_desktop.spool import Spool
from tests.parts.capture import tone
from tests.parts.desktop import Desktop
from tests.parts.disks import can_mount
from tests.parts.filled_spool import add_session, chunk_bytes, session_id_of
from tests.parts.processes import REPOSITORY
from tests.parts.proof import paths_of, spool_of
from tests.parts.recorder import captured_samples
from tests.parts.sound import RATE, decode, encode_in_one_piece, read_wav, write_wav

pytestmark = pytest.mark.real


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    state = {name: str(tmp_path / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME")}
    return Desktop(tmp_path / "home", state)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "sound.wav", tone(35 * RATE)[:, 0])


@pytest.fixture
def mounted(desktop: Desktop) -> Iterator[Path]:
    """The data folder on a disk of its own, which can be made read-only."""
    data = paths_of(desktop.home).data_dir
    data.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(data)], check=True)
    yield data
    subprocess.run(["umount", str(data)], check=True)


NOBODY = ["--server", "http://127.0.0.1:1"]
TOKEN = {"SCRIBE_TOKEN": "scribe_" + "x" * 43}


@can_mount
def test_every_recording_comes_back_from_the_rescue_folder_once(
    desktop: Desktop, sound: Path, mounted: Path, tmp_path: Path
) -> None:
    source = decode(encode_in_one_piece(read_wav(sound)))

    def record(title: str) -> Any:
        words = ["record", "--input", str(sound), "--speed", "max", "--title", title]
        return desktop.run(*words, *NOBODY, env=TOKEN, json=True).json

    record("before")
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    killed = desktop.popen("record", "--input", str(sound), "--title", "killed", *NOBODY, env=TOKEN)
    killed.wait_ready(lambda: captured_samples(desktop.home) > RATE, what="a second of sound")
    told = desktop.run("status", env=TOKEN).stdout
    assert "Recordings are kept in" in told
    killed.kill()
    assert record("during")["chunks"] == 2
    assert [folder.name for folder in rescues(desktop)] == ["rescue"]
    subprocess.run(["mount", "-o", "remount,rw", str(mounted)], check=True)
    record("after")

    assert rescues(desktop) == []
    with spool_of(desktop.home) as spool:
        sessions = {session.title: session for session in spool.sessions()}
        assert sorted(sessions) == ["after", "before", "during", "killed"]
        assert sessions["killed"].recovered
        for title, session in sessions.items():
            output = tmp_path / f"{title}.webm"
            export_session(spool, session.session_id, "webm", output)
            kept = decode(output)
            assert len(kept) == session.total_samples
            assert np.array_equal(kept, source[: len(kept)])


def rescues(desktop: Desktop) -> list[Path]:
    return [folder for folder in paths_of(desktop.home).rescue_dirs if folder.exists()]


DYING = """
import contextlib, os, sys
from pathlib import Path
from scribe_desktop.app.storage import Storage
from scribe_desktop.capture import recovery
from scribe_desktop.paths import Paths
from scribe_desktop.spool import Spool, rescue

home = Path(sys.argv[1])
paths = Paths(*(home / n for n in ("c", "data", "r", "l")), rescue_dirs=(home / "rescue",))
done = 0

def dying(real):
    def call(*args, **named):
        global done
        if done == step:
            os._exit(9)
        done += 1
        return real(*args, **named)
    return call

for step in range(100):
    child = os.fork()
    if child == 0:
        Spool.change, Path.unlink, Path.rmdir = map(
            dying, (Spool.change, Path.unlink, Path.rmdir))
        with contextlib.ExitStack() as stack:
            Storage(paths, clock=lambda: 5, machine_id=lambda: "m", new_id=lambda: "d").open(
                stack, lambda: None)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 9:
        break
print(step)
"""


def test_dying_at_any_step_of_the_way_back_loses_nothing(tmp_path: Path) -> None:
    with closing(Spool.open(tmp_path / "rescue" / "spool")) as spool:
        add_session(spool, session_id_of(1), chunks=3)
        add_session(spool, session_id_of(2), chunks=1, ended=False)
    command = [sys.executable, "-c", DYING, str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, timeout=60, check=True, capture_output=True)
    assert int(done.stdout) > 10, "so often it died"
    assert not (tmp_path / "rescue").exists()
    with closing(Spool.open_read_only(tmp_path / "data" / "spool")) as spool:
        assert {s.session_id: s.chunks for s in spool.sessions()} == {
            session_id_of(1): 3,
            session_id_of(2): 1,
        }
        assert spool.chunk_data(session_id_of(1), 2) == chunk_bytes(session_id_of(1), 2)
