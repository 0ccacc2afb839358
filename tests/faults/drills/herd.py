"""A hundred desktops lose their server at the same moment, and come back."""

import os
import signal
import sys
import time
from typing import Final

from scribe_desktop.model import now_ms
from tests.faults import invariants
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.herd import home_of, most_within, promises_of
from tests.faults.rig import acked_since
from tests.parts.network import Network
from tests.parts.processes import Process, wait_until
from tests.parts.server import TRACEBACK, ServerProcess

CLIENTS: Final = 100
QUICK_CLIENTS: Final = 25
SIZE: Final = 2_000
OPTIONS: Final = ("--rate=0.5", f"--size={SIZE}", "--chunks=20")


class Herd:
    """The server, the proxy that counts connects, and the clients."""

    def __init__(self, round_: Round) -> None:
        self.clients = QUICK_CLIENTS if round_.quick else CLIENTS
        self.folder = round_.folder / "herd"
        self.server = round_.cleanup.enter_context(ServerProcess(round_.folder / "server"))
        self.network = round_.cleanup.enter_context(Network(self.server.url))
        words = [str(self.folder), self.network.url, str(self.clients), *OPTIONS]
        env = {k: v for k, v in os.environ.items() if not k.startswith("SCRIBE_")}
        began = now_ms()
        self.process = Process(
            "herd",
            [sys.executable, "-m", "tests.faults.herd", *words],
            env={**env, "SCRIBE_TOKEN": self.server.token},
            log=round_.folder / "herd.log",
        )
        round_.cleanup.callback(self.process.kill)
        self.all_back(began)

    def all_back(self, moment_ms: int) -> int:
        """When the last of them had a chunk acknowledged, in ms after a moment."""
        waiting, last = list(range(self.clients)), moment_ms

        def back() -> bool:
            nonlocal waiting, last
            must_hold(self.process.alive, f"the herd ended by itself:\n{self.process.log_text()}")
            acks = {number: self._acked_since(number, moment_ms) for number in waiting}
            last = max([last, *(at for at in acks.values() if at is not None)])
            waiting = [number for number, at in acks.items() if at is None]
            return not waiting

        wait_until(back, timeout_s=120, what="an ack for every client", every_s=0.2)
        return last - moment_ms

    def _acked_since(self, number: int, moment_ms: int) -> int | None:
        promises = promises_of(self.folder, number)
        if not promises.exists() or not promises.stat().st_size:  # the spool is being made
            return None
        return acked_since(home_of(self.folder, number), moment_ms)

    def ended(self) -> int:
        """Let them deliver everything, and compare it; how many chunks."""
        self.process.signal(signal.SIGTERM)
        code = self.process.wait(180)
        log = self.process.log_text()
        must_hold(code == 0 and TRACEBACK not in log, f"the herd ended with {code}:\n{log}")
        compared = 0
        for number in range(self.clients):
            home = home_of(self.folder, number)
            source = invariants.Source(SIZE, promises_of(self.folder, number))
            compared += invariants.check_converged(home, source, self.server)
            invariants.check_home(home)
        must_hold(self.server.stop() == 0, "the server did not stop cleanly")
        invariants.check_stopped_server(self.server.data_dir)
        return compared


def herd(round_: Round) -> Outcome:
    """Every second time the server is back at once, else after seconds of refusing everybody."""
    herd = Herd(round_)
    recovery_ms, peaks = [], [0]
    for number in range(round_.times):
        time.sleep(round_.rng.uniform(1.5, 3.0))
        before = herd.network.connections
        herd.network.cut()
        if number % 2:
            time.sleep(round_.rng.uniform(2.0, 4.0))
        herd.network.heal()
        recovery_ms.append(herd.all_back(now_ms()))
        made = herd.network.made_at[before:]
        must_hold(len(made) >= herd.clients, f"{len(made)} connects of {herd.clients} clients")
        peaks.append(most_within(made, 1.0))
    must_hold(
        max(peaks) <= herd.clients,
        f"{max(peaks)} connects in a second by {herd.clients} clients",
    )
    note = f"{herd.clients} clients made at most {max(peaks)} connects in any second"
    return Outcome(round_.times, herd.ended(), tuple(recovery_ms), note)


DRILLS = [
    Drill("herd", "Network", "100 desktops lose their server at once (recovery: of the last)", 10,
          herd, takes_s=20),
]  # fmt: skip
