"""One soak: real recorders and a crowd deliver to one server while the nemesis is at work."""

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.faults import invariants
from tests.faults.drill import must_hold
from tests.faults.soak import crowd, nemesis, sound
from tests.faults.soak.nemesis import Fault, Step
from tests.faults.soak.recorders import MicrophoneRecorder, MortalRecorder
from tests.faults.soak.watching import Growth, Watch
from tests.parts.desktop import Desktop
from tests.parts.network import Network
from tests.parts.processes import Process, wait_until
from tests.parts.server import TRACEBACK, ServerProcess
from tests.parts.virtual_microphone import VirtualMicrophone

LOOK_EVERY_S = 5.0
DRAIN_LIMIT_S = 300
CHUNK_BYTES = 120_000


@dataclass(frozen=True)
class Wish:
    """How long, how many clients (two of them recorders), by which chance, and where."""

    minutes: float
    clients: int
    seed: int
    folder: Path


class Soaked(msgspec.Struct, frozen=True, rename="camel"):
    """What a soak found when everything held.

    Attributes:
        minutes: how long it recorded.
        clients: how many there were.
        seed: of the nemesis.
        faults: how often each was injected.
        chunks: compared with their source, all clients together.
        samples: of the microphone recording, each compared with the played one.
        differing: how many of these differ.
        lost_ms: by each kill of a recorder.
        growths: of memory and descriptors.
        at: day of the run.
        note: what has to be known about it; written by hand.
    """

    minutes: float
    clients: int
    seed: int
    faults: dict[str, int]
    chunks: int
    samples: int
    differing: int
    lost_ms: list[int]
    growths: list[Growth]
    at: str
    note: str = ""


class Soak:
    """Everything that runs during a soak."""

    def __init__(self, wish: Wish, stack: ExitStack, say: Callable[[str], None]) -> None:
        self._wish = wish
        self._say = say
        self._watch = Watch()
        self._injected: Counter[Fault] = Counter()
        folder, seed = wish.folder, wish.seed
        say("making the speech")
        self._speech = sound.speech(folder / "speech.wav", int(wish.minutes * 60) + 90, seed)
        self._server = stack.enter_context(ServerProcess(folder / "server"))
        self._network = stack.enter_context(Network(self._server.url))
        microphone = stack.enter_context(VirtualMicrophone())
        token, url = self._server.token, self._network.url
        stack.callback(self._end_all)
        self._others = folder / "others"
        self._crowd = self._start_crowd()
        microphone.play(self._speech)
        self._microphone = MicrophoneRecorder(folder / "microphone", microphone, token, url)
        desktop = Desktop(folder / "file" / "home", env={"SCRIBE_TOKEN": token})
        self._mortal = MortalRecorder(desktop, self._speech, url)
        self._mortal.start()
        self._began = time.monotonic()

    # --------------------------------------------------------------------------- time passes

    def suffer(self) -> None:
        """Let all faults happen, at their times, until the time is over."""
        seconds = self._wish.minutes * 60
        for step in nemesis.steps(random.Random(self._wish.seed), seconds):
            self._pass_until(step.at_s)
            if self._now() < step.at_s + step.lasts_s + 5:  # else a slow machine is behind
                self._inject(step)
        self._pass_until(seconds)

    def _inject(self, step: Step) -> None:
        self._say(f"{self._now():6.0f} s: {step.fault} for {step.lasts_s:.0f} s")
        connections = self._network.connections
        heal = self._begin(step.fault)
        self._pass_until(self._now() + step.lasts_s)
        heal()
        if step.fault in {Fault.CUT, Fault.BLACK_HOLE, Fault.KILL_SERVER}:
            wait_until(
                lambda: self._network.connections > connections,
                timeout_s=60,
                what=f"a client that notices: {step.fault}",
            )
        self._injected[step.fault] += 1

    def _begin(self, fault: Fault) -> Callable[[], None]:
        """Begin a fault; what ends it."""
        crowd_, server, network = self._crowd, self._server, self._network
        begin, end = {
            Fault.KILL_SERVER: (server.kill, server.start),
            Fault.PAUSE_SERVER: (lambda: stand_still(server.pid), server.resume),
            Fault.CUT: (network.cut, network.heal),
            Fault.BLACK_HOLE: (network.black_hole, network.heal),
            Fault.KILL_RECORDER: (self._mortal.kill, self._mortal.start),
            Fault.KILL_CLIENTS: (crowd_.kill, self._restart_crowd),
            Fault.PAUSE_CLIENTS: (
                lambda: stand_still(crowd_.pid),
                lambda: crowd_.signal(signal.SIGCONT),
            ),
        }[fault]
        begin()
        return end

    def _pass_until(self, at_s: float) -> None:
        while (rest := at_s - self._now()) > 0:
            time.sleep(min(rest, LOOK_EVERY_S))
            self._look()

    def _look(self) -> None:
        at = self._now()
        self._watch.look("the microphone's recorder", self._microphone.process.pid, at)
        must_hold(
            self._microphone.process.alive,
            f"the recorder ended:\n{self._microphone.process.log_text()}",
        )
        if self._server.alive:
            self._watch.look("the server", self._server.pid, at)
        if self._crowd.alive:
            self._watch.look("the other clients, together", self._crowd.pid, at)

    def _now(self) -> float:
        return time.monotonic() - self._began

    # ----------------------------------------------------------------------------- the crowd

    def _start_crowd(self) -> Process:
        words = [str(self._others), self._network.url, f"--clients={self._wish.clients - 2}"]
        command = [sys.executable, "-m", "tests.faults.soak.crowd", *words]
        env = Desktop(self._others, env={"SCRIBE_TOKEN": self._server.token}).env
        log = self._wish.folder / "others.log"
        return Process("others", [*command, f"--size={CHUNK_BYTES}"], env=env, log=log)

    def _restart_crowd(self) -> None:
        self._crowd = self._start_crowd()

    # --------------------------------------------------------------------------------- the end

    def proven(self, at: str) -> Soaked:
        """Faults are over: let everything be delivered, and compare everything."""
        self._say("the faults are over; delivering")
        self._crowd.signal(signal.SIGTERM)
        self._microphone.stop()
        self._mortal.stop()
        code = self._crowd.wait(DRAIN_LIMIT_S)
        must_hold(code == 0, f"the other clients ended with {code}:\n{self._crowd.log_text()}")
        self._say("comparing")
        differing, samples = self._microphone.check(self._server, self._speech)
        lost = self._mortal.check(self._server)
        chunks = sum(self._check_home(home) for home in self._homes())
        must_hold(self._server.stop() == 0, "the server did not stop cleanly")
        invariants.check_stopped_server(self._server.data_dir)
        must_hold(TRACEBACK not in self._crowd.log_text(), self._crowd.log_text()[-4000:])
        return Soaked(
            self._wish.minutes,
            self._wish.clients,
            self._wish.seed,
            {str(fault): times for fault, times in self._injected.items()},
            chunks,
            samples,
            differing,
            lost,
            self._watch.growths(),
            at,
        )

    def _homes(self) -> Iterator[Path]:
        return crowd.homes_in(self._others, self._wish.clients - 2)

    def _check_home(self, home: Path) -> int:
        source = crowd.source_of(home, CHUNK_BYTES)
        if not source.promised.exists():
            return 0
        compared = invariants.check_converged(home, source, self._server)
        invariants.check_home(home)
        return compared

    def _end_all(self) -> None:
        for process in (self._crowd, self._microphone.process, self._mortal.process):
            if process is not None:
                process.kill()


def stand_still(pid: int) -> None:
    """Stop a process, and see that it stands still."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state_of(pid) == "T", timeout_s=5, what="a stopped process")


def state_of(pid: int) -> str:
    """The letter that the kernel gives for a process's state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def soak(wish: Wish, at: str, say: Callable[[str], None]) -> Soaked:
    """Run one; raises ViolatedError or AssertionError when a promise was broken."""
    with ExitStack() as stack:
        running = Soak(wish, stack, say)
        running.suffer()
        return running.proven(at)
