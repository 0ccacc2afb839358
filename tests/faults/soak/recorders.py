"""Two real recorders: one of a microphone that is never killed, one of a file that often is."""

import signal
from dataclasses import dataclass, field
from pathlib import Path

from scribe_desktop.library.export import export_session
from tests.faults.drill import must_hold
from tests.faults.soak import sound
from tests.parts.desktop import Desktop
from tests.parts.processes import Process
from tests.parts.proof import assert_delivered, only_session, spool_of
from tests.parts.recorder import captured_samples
from tests.parts.server import ServerProcess
from tests.parts.sound import RATE
from tests.parts.virtual_microphone import VirtualMicrophone

READY_S = 60
STOP_S = 180
MOST_LOST = RATE


class MicrophoneRecorder:
    """Records all the time what is played into the virtual microphone."""

    def __init__(self, folder: Path, microphone: VirtualMicrophone, token: str, url: str) -> None:
        self.desktop = Desktop(folder / "home", env={**microphone.env, "SCRIBE_TOKEN": token})
        self.captured = folder / "captured.wav"
        self.process = self.desktop.popen(
            *["record", "--input", "mic", "--server", url, "--save-wav", str(self.captured)],
            *["--wait", "--timeout", str(STOP_S)],
        )
        self.process.wait_ready(
            lambda: captured_samples(self.desktop.home) > 0, what="sound", timeout_s=READY_S
        )

    def stop(self) -> None:
        """Ctrl+C, and wait for the receipt."""
        self.process.signal(signal.SIGINT)
        code = self.process.wait(STOP_S)
        must_hold(code == 0, f"the recorder ended with {code}: {self.process.log_text()}")

    def check(self, server: ServerProcess, played: Path) -> tuple[int, int]:
        """Delivered, exact, without a gap.

        Returns:
            How many samples differ from the played ones, and how many were compared.
        """
        session = only_session(self.desktop.home)
        assert_delivered(self.desktop.home, server, session.session_id)
        export = self.captured.with_suffix(".webm")
        with spool_of(self.desktop.home) as spool:
            must_hold(spool.gaps(session.session_id) == [], "the recording has a gap")
            export_session(spool, session.session_id, "webm", export)
        samples = sound.check_export(export, self.captured)
        must_hold(samples == session.total_samples, f"{samples} samples: {session}")
        return sound.heard_wrong(self.captured, played)


@dataclass
class MortalRecorder:
    """Records a sound file in real time, is killed and started again; each life is a session."""

    desktop: Desktop
    file: Path
    url: str
    captured: list[int] = field(default_factory=list)
    process: Process | None = None

    def start(self) -> None:
        """Start it; it also recovers what its last life left."""
        self.process = self.desktop.popen(
            *["record", "--input", str(self.file), "--speed", "realtime", "--server", self.url]
        )
        self.process.wait_ready(
            lambda: captured_samples(self.desktop.home) > 0, what="sound", timeout_s=READY_S
        )

    def kill(self) -> None:
        """kill -9, having noted what it had captured."""
        assert self.process is not None
        self.captured.append(captured_samples(self.desktop.home))
        self.process.kill()

    def stop(self) -> None:
        """Ctrl+C, and deliver what is left."""
        assert self.process is not None
        self.captured.append(captured_samples(self.desktop.home))
        self.process.signal(signal.SIGINT)
        code = self.process.wait(STOP_S)
        must_hold(code == 0, f"the recorder ended with {code}: {self.process.log_text()}")
        self.desktop.run("sync", "--once", "--server", self.url, timeout=STOP_S)

    def check(self, server: ServerProcess) -> list[int]:
        """Every life's session is delivered and has the file's sound; ms lost by each kill."""
        with spool_of(self.desktop.home) as spool:
            sessions = sorted(spool.sessions(), key=lambda session: session.started_at)
            must_hold(
                len(sessions) == len(self.captured),
                f"{len(self.captured)} lives, {len(sessions)} sessions",
            )
            for session in sessions:
                export = self.desktop.home / f"{session.session_id}.webm"
                export_session(spool, session.session_id, "webm", export)
                sound.check_prefix(export, self.file)
        lost = [
            max(0, captured - session.total_samples)
            for captured, session in zip(self.captured, sessions, strict=True)
        ]
        must_hold(max(lost) <= MOST_LOST, f"more than a second was lost: {lost} samples")
        for session in sessions:
            assert_delivered(self.desktop.home, server, session.session_id)
        return [samples * 1000 // RATE for samples in lost]
