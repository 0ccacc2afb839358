"""An hour of real recording under random faults: `make soak`, `make soak MINUTES=5`."""

import argparse
import secrets
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.faults import keeping
from tests.faults.soak.run import Soaked, Wish, soak

FULL_MINUTES = 60


def main() -> int:
    """Parse the command line, soak, write; a broken promise ends it with a traceback."""
    options = parse(sys.argv[1:])
    seed = options.seed or secrets.randbelow(2**31) + 1
    say(f"{options.minutes:g} minutes, {options.clients} clients, --seed {seed} repeats the faults")
    folder = Path(tempfile.mkdtemp(prefix="scribe-soak-", dir=options.folder))
    say(f"everything lies in {folder} until all has held")
    at = datetime.now(UTC).strftime("%Y-%m-%d")
    found = soak(Wish(options.minutes, options.clients, seed, folder), at, say)
    shutil.rmtree(folder)
    tell(found)
    if options.minutes >= FULL_MINUTES:
        keeping.keep_soak(found)
    return 0


def tell(found: Soaked) -> None:
    """What held, in lines."""
    for fault, times in found.faults.items():
        say(f"{fault}: {times} times")
    say(f"{found.chunks} chunks of {found.clients - 2} clients: none lost")
    say(f"{found.samples} samples of the microphone, {found.differing} differ from the played ones")
    say(f"lost by kills of a recorder: {found.lost_ms} ms")
    for growth in found.growths:
        say(
            f"{growth.name}: {growth.memory_mb:.0f} MB {growth.memory_percent:+.2f} %/h,"
            f" {growth.descriptors} descriptors {growth.descriptors_percent:+.2f} %/h"
            f" (second half of {growth.minutes:.0f} minutes)"
        )


def parse(words: list[str]) -> argparse.Namespace:
    """The options; what does not fit ends the program with exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=FULL_MINUTES,
                        help="how long (default: 60, the least for the report)")  # fmt: skip
    parser.add_argument("--clients", type=int, default=100, help="two of them record for real")
    parser.add_argument("--seed", type=int, help="repeat a run's faults")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"),
                        help="a real disk with 4 GB free (default: /var/tmp)")  # fmt: skip
    options = parser.parse_args(words)
    if options.minutes < 1:
        parser.error(f"--minutes {options.minutes:g}: it has to be 1 or more")
    if options.clients < 3:
        parser.error(f"--clients {options.clients}: it has to be 3 or more")
    if not options.folder.is_dir():
        parser.error(f"--folder {options.folder}: there is no such folder")
    return options


def say(text: str) -> None:
    """A line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
