"""A real sound server with a virtual microphone and loudspeakers, private to one test."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.parts.processes import Process, program, short_folder

RATE = 48_000


class VirtualMicrophone:
    """PulseAudio in a folder of its own; what is played into it is what the microphone hears.

    A mono null sink `scribe_mic_feed` at 48 kHz feeds the source `scribe_mic`; `speakers` is the
    default sink. Give `env` to every process that should hear it. Several run side by side.
    """

    def __init__(self) -> None:
        self._folder = short_folder("mic-")
        self._socket = self._folder / "native"
        self._log = self._folder / "pulseaudio.log"
        self._server: Process | None = None
        self._players: list[Process] = []
        self._modules: dict[str, list[str]] = {}

    @property
    def env(self) -> dict[str, str]:
        """What a process needs in its environment to use this sound server."""
        return {
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_COOKIE": str(self._folder / "cookie"),
            "PULSE_RUNTIME_PATH": str(self._folder / "pulse"),
            "PULSE_STATE_PATH": str(self._folder / "state"),
        }

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the sound server and all players, and remove the folder."""
        for player in self._players:
            player.kill()
        self._players.clear()
        if self._server is not None:
            self._server.end()
            self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------------------------- sound

    def play(self, path: Path, *, wait: bool = False, into: str = "scribe_mic_feed") -> Process:
        """Play a sound file into a sink, by default the microphone's, bit for bit when mono s16."""
        command = [program("paplay"), f"--device={into}", str(path)]
        player = Process("paplay", command, env=self._full_env(), log=self._folder / "paplay.log")
        self._players.append(player)
        if wait and player.wait(600) != 0:
            raise player.failed(f"could not play {path}")
        return player

    def play_to_speakers(self, path: Path, *, wait: bool = False) -> Process:
        """Play a sound file to the loudspeakers: what the others say."""
        return self.play(path, wait=wait, into="speakers")

    # ------------------------------------------------------------------------------ faults

    def plug(self, name: str = "scribe_mic") -> None:
        """Plug in a microphone; its feed is the sink `NAME_feed`."""
        sink = self._load(
            "module-null-sink",
            f"sink_name={name}_feed",
            "format=s16le",
            f"rate={RATE}",
            "channels=1",
            "channel_map=mono",
            "norewinds=1",  # without it a suspended or moved stream loses samples
            f"sink_properties=device.description={name}_feed",
        )
        source = self._load(
            "module-remap-source",
            f"source_name={name}",
            f"master={name}_feed.monitor",
            f"source_properties=device.description={name}",
        )
        self._modules[name] = [source, sink]

    def unplug(self, name: str = "scribe_mic") -> None:
        """Pull a microphone out."""
        for module in self._modules.pop(name):
            self._pactl("unload-module", module)

    def suspend(self, name: str = "scribe_mic") -> None:
        """Let the microphone deliver nothing while it stays there."""
        self._pactl("suspend-source", name, "1")

    def resume(self, name: str = "scribe_mic") -> None:
        """Let a suspended microphone deliver again."""
        self._pactl("suspend-source", name, "0")

    def set_default(self, name: str) -> None:
        """Make a source the default one."""
        self._pactl("set-default-source", name)

    def freeze(self) -> None:
        """Stop the sound server: it stays there and answers nothing."""
        self._running().signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen sound server go on."""
        self._running().signal(signal.SIGCONT)

    def crash(self) -> None:
        """Kill the sound server without warning."""
        self._running().kill()
        self._server = None
        self._modules.clear()

    def restart(self) -> None:
        """Start the sound server and its devices again after a crash."""
        if self._server is not None:
            self.crash()
        self._start()

    def recordings(self) -> str:
        """The streams that record now, as the sound server lists them (one a line)."""
        return self._pactl("list", "short", "source-outputs")

    # ----------------------------------------------------------------------------- private

    def _running(self) -> Process:
        if self._server is None:
            raise AssertionError("the sound server does not run")
        return self._server

    def _start(self) -> None:
        for name in ("pulse", "state"):
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        command = [
            program("pulseaudio"),
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
            "--realtime=no",
            "--high-priority=no",
            "--disable-shm=yes",
            "--log-target=stderr",
            "--log-level=notice",
            f"--load=module-native-protocol-unix auth-anonymous=1 socket={self._socket}",
            "--load=module-always-sink",
        ]
        env = {**self._full_env(), "HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        self._server = Process("pulseaudio", command, env=env, log=self._log)
        self._server.wait_ready(self._answers, what="pactl info")
        self.plug()
        self._load(
            "module-null-sink",
            "sink_name=speakers",
            f"rate={RATE}",
            "channels=2",
            "norewinds=1",
            "sink_properties=device.description=speakers",
        )
        self._pactl("set-default-sink", "speakers")
        self._pactl("set-default-source", "scribe_mic")

    def _full_env(self) -> dict[str, str]:
        return {**os.environ, **self.env}

    def _run_pactl(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program("pactl"), *words],
            env=self._full_env(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def _answers(self) -> bool:
        return self._socket.exists() and self._run_pactl("info").returncode == 0

    def _pactl(self, *words: str) -> str:
        done = self._run_pactl(*words)
        if done.returncode != 0:
            message = f"pactl {' '.join(words)}: {done.stderr.strip()}"
            raise AssertionError(message if self._server is None else f"{message}; {self._tail()}")
        return done.stdout.strip()

    def _load(self, *words: str) -> str:
        return self._pactl("load-module", *words)

    def _tail(self) -> str:
        return self._server.log_text()[-2000:] if self._server else ""
