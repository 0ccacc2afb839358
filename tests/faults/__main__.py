"""Run the drills and write docs/RELIABILITY.md: `make drills`, `make drills-quick`."""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import catalogue, keeping, report, running
from tests.faults.results import Result


def main() -> int:
    """Parse the command line, run, write; 1 when a promise was broken."""
    options = parse(sys.argv[1:])
    seed = options.seed or secrets.randbelow(2**31) + 1
    print(f"seed {seed}: --seed {seed} repeats this run", flush=True)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="scribe-drills-", dir=options.folder))
    everything = catalogue.QUICK_NAMES if options.quick else catalogue.NAMES
    plan = running.Plan(
        [catalogue.by_name(name) for name in options.only or everything],
        seed, options.quick, options.rounds, folder, options.jobs, catalogue.by_name,
    )  # fmt: skip
    found = running.run_all(plan, tell if options.quick else tell_and_keep)
    broken = [result for result in found if result.state == "violated"]
    if not broken:
        shutil.rmtree(folder)
    print(f"{len(found)} drills in {time.monotonic() - began:.0f} s, {len(broken)} broken")
    if broken:
        print(f"what they left is in {folder}")
    return 1 if broken else 0


def tell_and_keep(result: Result) -> None:
    """The same, and into the report: who interrupts a run keeps what is done."""
    tell(result)
    keeping.keep_drills([result])


def parse(words: list[str]) -> argparse.Namespace:
    """The options; what does not fit ends the program with exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=catalogue.NAMES,
                        help=f"of {', '.join(catalogue.NAMES)}")  # fmt: skip
    parser.add_argument("--rounds", type=int, metavar="N", help="inject each fault N times")
    parser.add_argument("--seed", type=int, help="repeat a run")
    parser.add_argument("--quick", action="store_true",
                        help="each kind twice, in 2 minutes, without a report")  # fmt: skip
    parser.add_argument("--jobs", type=int, default=0, metavar="N",
                        help="drills at a time (default: 2, with --quick 4)")  # fmt: skip
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"),
                        help="on a real disk, for their data (default: /var/tmp)")  # fmt: skip
    options = parser.parse_args(words)
    if not options.folder.is_dir():
        parser.error(f"--folder {options.folder}: there is no such folder")
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: it has to be 1 or more")
    options.jobs = options.jobs or (4 if options.quick else 2)
    return options


def tell(result: Result) -> None:
    """One line per drill, as it ends."""
    print(report.line(result), flush=True)


if __name__ == "__main__":
    sys.exit(main())
