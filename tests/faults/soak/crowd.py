"""Many desktops in one process: each with a spool, an engine and a list of promises of its own.

    python -m tests.faults.soak.crowd FOLDER URL --clients 98 --every 30 --size 120000 --chunks 20

SIGTERM ends the feeding; the program then ends with 0 as soon as all have their receipts.
"""

import argparse
import random
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.faults import feeder
from tests.faults.invariants import Source


class Crowd:
    """The feeders on threads of their own; they begin spread over the time of a chunk."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._stopping = threading.Event()
        self._feeders: list[feeder.Feeder] = []
        self.failed: list[BaseException] = []

    def run(self) -> None:
        """Feed until stopped, and deliver everything."""
        homes = list(homes_in(self._options.folder, self._options.clients))
        threads = [threading.Thread(target=self._one, args=(home,)) for home in homes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        """Feed no more; callable from a signal handler."""
        self._stopping.set()
        for each in list(self._feeders):
            each.stop()

    def _one(self, home: Path) -> None:
        try:
            self._feed(home)
        except BaseException as error:
            self.failed.append(error)
            raise

    def _feed(self, home: Path) -> None:
        chance = random.Random(home.name)
        if self._stopping.wait(chance.uniform(0, self._options.every)):
            return
        words = [str(home), self._options.url, str(source_of(home, self._options.size).promised)]
        rate = 1 / self._options.every
        options = [f"--rate={rate}", f"--size={self._options.size}"]
        one = feeder.Feeder(feeder.parse([*words, *options, f"--chunks={self._options.chunks}"]))
        self._feeders.append(one)
        if self._stopping.is_set():
            one.stop()
        one.run()


def homes_in(folder: Path, clients: int) -> Iterator[Path]:
    """The clients' homes."""
    for number in range(clients):
        home = folder / f"client-{number:03d}"
        home.mkdir(parents=True, exist_ok=True)
        yield home


def source_of(home: Path, size: int) -> Source:
    """What a client feeds."""
    return Source(size, home / "promised.txt")


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak.crowd")
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=98)
    parser.add_argument("--every", type=float, default=30, help="seconds between two chunks")
    parser.add_argument("--size", type=int, default=120_000, help="bytes of a chunk")
    parser.add_argument("--chunks", type=int, default=20, help="chunks of a session")
    return parser.parse_args(words)


if __name__ == "__main__":
    crowd = Crowd(parse(sys.argv[1:]))
    signal.signal(signal.SIGTERM, lambda *_: crowd.stop())
    crowd.run()
    sys.exit(1 if crowd.failed else 0)
