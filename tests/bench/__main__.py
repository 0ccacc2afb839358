"""Run the benchmarks and write docs/PERFORMANCE.md: `make bench`, `make bench-quick`."""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import catalogue, machine, plots, render
from tests.bench.results import Measured, Report, Size, from_json, merged, to_json
from tests.bench.rounds import Bench

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = "results.json"
FREE_BYTES = 8_000_000_000
"""What a contestant leaves on the disk before its folder is removed, and some more."""


def main() -> None:
    """Parse the command line, measure, write."""
    options = parse(sys.argv[1:])
    size: Size = "quick" if options.quick else "full"
    names = options.only or (catalogue.QUICK if options.quick else catalogue.NAMES)
    allow_many_connections()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="scribe-bench-", dir=options.folder))
    folder.chmod(0o755)  # PostgreSQL, which is not root, has its folder in it
    try:
        described = machine.describe(folder)
        for name in names:  # written one by one: who interrupts it keeps what is done
            write(Report(described, (measure(name, size, folder),)), options.output)
    finally:
        shutil.rmtree(folder)
    say(f"took {time.monotonic() - began:.0f} s; written: {options.output / 'PERFORMANCE.md'}")


def parse(words: list[str]) -> argparse.Namespace:
    """The options; what does not fit ends the program with exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer, shorter: under 3 minutes")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=catalogue.NAMES,
                        help=f"of {', '.join(catalogue.NAMES)}")  # fmt: skip
    parser.add_argument("--output", type=Path, default=None,
                        help="folder of PERFORMANCE.md and performance/ (default: docs; with "
                        "--quick: run/bench-quick)")  # fmt: skip
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"),
                        help="where the contestants keep their data: a real disk with 8 GB free "
                        "(default: /var/tmp)")  # fmt: skip
    options = parser.parse_args(words)
    if not options.folder.is_dir():
        parser.error(f"--folder {options.folder}: there is no such folder")
    _, kind = machine.file_system(options.folder)
    if kind in machine.IN_MEMORY:
        parser.error(f"--folder {options.folder} is {kind}, which is memory: name one on a disk")
    if shutil.disk_usage(options.folder).free < FREE_BYTES:
        parser.error(f"--folder {options.folder}: 8 GB have to be free there; name another folder")
    if options.output is None:
        options.output = ROOT / "run" / "bench-quick" if options.quick else ROOT / "docs"
    return options


def allow_many_connections() -> None:
    """Let this process and its children open as many descriptors as the system permits."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def measure(name: str, size: Size, folder: Path) -> Measured:
    """Run a benchmark."""
    say(f"{name} ({size})")
    own = folder / name
    own.mkdir()
    load, began = os.getloadavg()[0], time.monotonic()
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    result = catalogue.benchmark(name)(Bench(size, own, say))
    return Measured(result, at, size, time.monotonic() - began, load)


def write(report: Report, output: Path) -> None:
    """Write results, pictures and page; results of other benchmarks that are there stay."""
    data = output / "performance"
    data.mkdir(parents=True, exist_ok=True)
    stored = data / RESULTS
    old = from_json(stored.read_bytes()) if stored.is_file() else None
    whole = merged(old, report, catalogue.NAMES)
    stored.write_bytes(to_json(whole))
    for measured in report.results:
        plots.write(measured.result.plots, data)
    page = render.render(whole, held_back())
    (output / "PERFORMANCE.md").write_text(page, encoding="utf-8")


def held_back() -> dict[str, str]:
    """What holds figures back, by figure, as written by hand in notes/."""
    return {path.stem: path.read_text(encoding="utf-8") for path in (HERE / "notes").glob("*.md")}


def say(line: str) -> None:
    """Tell the person who waits."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
