"""Many feeders in one process, each with a spool and an engine of its own.

    python -m tests.faults.herd FOLDER URL CLIENTS [--rate 0.5] ... (as tests.faults.feeder)

Client n has its home and its list of promises in FOLDER/n. SIGTERM ends the feeding; the program
then ends with 0 as soon as everything of everybody has a receipt.
"""

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.faults.feeder import Feeder, parse


def home_of(folder: Path, number: int) -> Path:
    """A client's home."""
    return folder / str(number) / "home"


def promises_of(folder: Path, number: int) -> Path:
    """A client's list of promises."""
    return folder / str(number) / "promised.txt"


def most_within(moments: Sequence[float], window_s: float) -> int:
    """The most moments that fall into any window of so many seconds."""
    ordered = sorted(moments)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def main(words: list[str]) -> int:
    """Run them all; 1 when one of them failed."""
    folder, url, clients, *options = words
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    failed: list[int] = []

    def feed(number: int) -> None:
        home_of(Path(folder), number).mkdir(parents=True, exist_ok=True)
        places = home_of(Path(folder), number), url, promises_of(Path(folder), number)
        try:
            Feeder(parse([*map(str, places), *options]), stopping).run()
        except BaseException:
            failed.append(number)
            raise

    threads = [threading.Thread(target=feed, args=(n,)) for n in range(int(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
