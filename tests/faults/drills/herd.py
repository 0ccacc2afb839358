"""A hundred desktops lose their server at the same moment, and come back."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from scribe_desktop.model import now_ms
from tests.faults import invariants
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.line import is_busy, most_within
from tests.faults.rig import acked_since
from tests.faults.soak.crowd import homes_in, source_of
from tests.parts.network import Network
from tests.parts.processes import Process, wait_until
from tests.parts.server import TRACEBACK, ServerProcess

CLIENTS: Final = 100
QUICK_CLIENTS: Final = 25
BUSY_SHARE: Final = 1.25
SIZE: Final = 2_000
OPTIONS: Final = ("--every=2", f"--size={SIZE}", "--chunks=20")


class Herd:
    """The server, the proxy that counts connects, and the clients."""

    def __init__(self, round_: Round) -> None:
        self.clients = QUICK_CLIENTS if round_.quick else CLIENTS
        folder = round_.folder / "herd"
        self.homes = list(homes_in(folder, self.clients))
        self.server = round_.cleanup.enter_context(ServerProcess(round_.folder / "server"))
        self.network = round_.cleanup.enter_context(Network(self.server.url))
        words = [str(folder), self.network.url, f"--clients={self.clients}", *OPTIONS]
        env = {k: v for k, v in os.environ.items() if not k.startswith("SCRIBE_")}
        began = now_ms()
        self.process = Process(
            "herd",
            [sys.executable, "-m", "tests.faults.soak.crowd", *words],
            env={**env, "SCRIBE_TOKEN": self.server.token},
            log=round_.folder / "herd.log",
        )
        round_.cleanup.callback(self.process.kill)
        self.all_back(began)

    def all_back(self, moment_ms: int) -> int:
        """When the last of them had a chunk acknowledged, in ms after a moment."""
        waiting, last = self.homes, moment_ms

        def back() -> bool:
            nonlocal waiting, last
            must_hold(self.process.alive, f"the herd ended by itself:\n{self.process.log_text()}")
            acks = {home: _acked_since(home, moment_ms) for home in waiting}
            last = max([last, *(at for at in acks.values() if at is not None)])
            waiting = [home for home, at in acks.items() if at is None]
            return not waiting

        wait_until(back, timeout_s=120, what="an ack for every client", every_s=0.2)
        return last - moment_ms

    def ended(self) -> int:
        """Let them deliver everything, and compare it; how many chunks."""
        self.process.signal(signal.SIGTERM)
        code = self.process.wait(180)
        log = self.process.log_text()
        must_hold(code == 0 and TRACEBACK not in log, f"the herd ended with {code}:\n{log}")
        compared = 0
        for home in self.homes:
            compared += invariants.check_converged(home, source_of(home, SIZE), self.server)
            invariants.check_home(home)
        must_hold(self.server.stop() == 0, "the server did not stop cleanly")
        invariants.check_stopped_server(self.server.data_dir)
        return compared


def _acked_since(home: Path, moment_ms: int) -> int | None:
    promises = source_of(home, SIZE).promised
    if not promises.exists() or not promises.stat().st_size:  # the spool is being made
        return None
    return acked_since(home, moment_ms)


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
    # Where a hundred threads wait for a core, connects begin late and fall together.
    most = herd.clients * (BUSY_SHARE if is_busy(os.getloadavg()[0]) else 1)
    must_hold(
        max(peaks) <= most,
        f"{max(peaks)} connects in a second by {herd.clients} clients",
    )
    note = f"{herd.clients} clients made at most {max(peaks)} connects in any second"
    return Outcome(round_.times, herd.ended(), tuple(recovery_ms), note)


DRILLS = [
    Drill("herd", "Network", "100 desktops lose their server at once (recovery: of the last)", 10,
          herd, takes_s=20),
]  # fmt: skip
