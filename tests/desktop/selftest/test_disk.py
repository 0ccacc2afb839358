import subprocess
import sys
from pathlib import Path

import pytest

from scribe_desktop.errors import ScribeError
from scribe_desktop.selftest.disk import full_for

WRITER = """
import pathlib, sys
file = pathlib.Path(sys.argv[1])
for line in sys.stdin:
    try:
        file.write_bytes(bytes(int(line)))
        print("written", flush=True)
    except OSError as error:
        print(type(error).__name__, error.errno, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process that runs")
def test_the_process_can_make_no_longer_file_until_there_is_room_again(tmp_path: Path) -> None:
    (tmp_path / "longest").write_bytes(bytes(1000))
    with subprocess.Popen(
        [sys.executable, "-S", "-c", WRITER, str(tmp_path / "new")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None

        def write(size: int) -> str:
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdin.write(f"{size}\n")
            writer.stdin.flush()
            return writer.stdout.readline().strip()

        assert write(2000) == "written"
        (tmp_path / "new").unlink()
        with full_for(writer.pid, tmp_path) as limit:
            assert limit == 1000
            assert write(1000) == "written"
            assert write(1001) == "OSError 27"  # EFBIG
        assert write(2000) == "written"


def test_a_process_that_is_gone_cannot_be_limited(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as gone:
        gone.wait(10)
    with (
        pytest.raises(ScribeError, match="cannot be limited"),
        full_for(gone.pid, tmp_path),
    ):
        pass
