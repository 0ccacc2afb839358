"""A file fits into a head: at most 450 lines, half of them at most 120."""

from statistics import median

from tests.parts.processes import REPOSITORY
from tests.parts.sources import source_files, tracked_files

LONGEST = 450
MEDIAN = 120


def test_no_file_has_more_than_450_lines() -> None:
    files = {*source_files(), *(path for path in tracked_files() if path.suffix == ".py")}
    long = {
        str(path): lines
        for path in files
        if (lines := (REPOSITORY / path).read_text(encoding="utf-8").count("\n")) > LONGEST
    }
    assert long == {}


def test_half_of_the_source_files_have_at_most_120_lines() -> None:
    lengths = [
        (REPOSITORY / path).read_text(encoding="utf-8").count("\n") for path in source_files()
    ]
    assert median(lengths) <= MEDIAN
