"""Where results are kept, and the page that is written from them."""

import os
import platform
from pathlib import Path

import msgspec

from tests.faults import catalogue, report, results
from tests.faults.results import Result, Results
from tests.faults.soak.run import Soaked

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "RELIABILITY.md"
FOLDER = ROOT / "docs" / "reliability"
DRILLS = FOLDER / "results.json"
SOAK = FOLDER / "soak.json"


def keep_drills(found: list[Result]) -> None:
    """Put the drills' results to the earlier ones and write the page."""
    new = Results(machine(), tuple(found))
    results.write(DRILLS, results.merged(results.read(DRILLS), new, catalogue.NAMES))
    write_page()


def keep_soak(found: Soaked) -> None:
    """Keep the newest soak and write the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    SOAK.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    write_page()


def write_page() -> None:
    """docs/RELIABILITY.md, out of everything that is kept."""
    soaked = msgspec.json.decode(SOAK.read_bytes(), type=Soaked) if SOAK.exists() else None
    page = report.render(catalogue.DRILLS, results.read(DRILLS), soaked)
    PAGE.write_text(page, encoding="utf-8")


def machine() -> str:
    """What ran them."""
    return f"Linux {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}"
