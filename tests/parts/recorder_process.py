"""A recorder in a process of its own: PortAudio reads its environment once per process.

Run as a module it takes commands (pause, resume, stop) from stdin, one a line, and writes each
status as a JSON line with the monotonic time at which it was told.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scribe_desktop.capture.recorder import Recorder
from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.errors import ScribeError
from scribe_desktop.model import CaptureStatus
from tests.parts.capture import SESSION_ID
from tests.parts.processes import REPOSITORY, wait_until

Told = dict[str, Any]


class RecorderProcess:
    """Records the microphone of an environment into `folder` until it is stopped."""

    def __init__(self, folder: Path, env: Mapping[str, str], **wishes: Any) -> None:
        self.folder = folder
        self.wav = folder / "captured.wav"
        self.told: list[Told] = []
        request = {"session_id": SESSION_ID, "title": "Real", "save_wav": str(self.wav), **wishes}
        self._log = (folder / "recorder.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.recorder_process", folder, json.dumps(request)],
            env={**os.environ, **env},
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            if pipe is not None:
                pipe.close()

    @property
    def now(self) -> Told:
        """The newest status."""
        assert self.told, f"no status yet: {self.log()}"
        return self.told[-1]

    def wait_for(self, holds: Callable[[Told], bool], *, what: str) -> Told:
        """The first status that holds from now on."""
        seen = len(self.told)

        def found() -> Told | None:
            ended = self._process.poll()
            assert ended in {None, 0}, f"the recorder ended with {ended}: {self.log()}"
            return next((told for told in self.told[max(0, seen - 1) :] if holds(told)), None)

        told = wait_until(found, timeout_s=60, what=f"{what}; {self.log()}")
        assert told is not None
        return told

    def record_until(self, samples: int) -> Told:
        """Wait until the timeline is so long and real sound arrives."""
        return self.wait_for(
            lambda told: (
                told["state"] == "recording" and told["reason"] == "" and told["samples"] >= samples
            ),
            what=f"{samples} samples",
        )

    def send(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop and wait until everything is in the spool."""
        self.send("stop")
        self.wait_to_end()

    def wait_to_end(self) -> None:
        assert self._process.wait(60) == 0, self.log()
        self._reader.join()

    def log(self) -> str:
        return (self.folder / "recorder.log").read_text(errors="replace")[-2_000:]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.told.append(json.loads(line))


def main(folder: Path, wishes: dict[str, Any]) -> int:
    def tell(status: CaptureStatus) -> None:
        print(json.dumps({"at": time.monotonic(), **asdict(status)}), flush=True)

    recorder = Recorder(
        spool_folder=folder / "spool",
        journal_folder=folder / "journal",
        on_status=tell,
        on_spooled=lambda _id: None,
    )
    commands = {"pause": recorder.pause, "resume": recorder.resume, "stop": recorder.stop}

    def obey() -> None:
        for line in sys.stdin:
            commands[line.strip()]()

    wishes["save_wav"] = Path(wishes["save_wav"])
    try:
        recorder.start(RecordingRequest(**wishes))
        threading.Thread(target=obey, daemon=True).start()
        recorder.wait()
        if recorder.failure is not None:
            raise recorder.failure
    except ScribeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), json.loads(sys.argv[2])))
