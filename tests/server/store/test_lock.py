import subprocess
import sys
from pathlib import Path

import pytest

from scribe_server.errors import StartupError
from scribe_server.store.lock import FolderLock

HOLD = """
import sys
from pathlib import Path
from scribe_server.store.lock import FolderLock
lock = FolderLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_once_and_free_after_its_release(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path).acquire()
    with pytest.raises(StartupError, match="Another Scribe server") as refused:
        FolderLock(tmp_path).acquire()
    assert "--data-dir" in refused.value.remedy
    lock.release()
    lock.release()
    FolderLock(tmp_path).acquire().release()


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StartupError):
            FolderLock(tmp_path).acquire()
        holder.kill()
    FolderLock(tmp_path).acquire().release()
