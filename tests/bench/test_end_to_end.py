"""One tiny benchmark from the servers to the page. What is asserted are counts, never speeds."""

import shutil
from pathlib import Path

import pytest

from tests.bench.__main__ import RESULTS, measure, write
from tests.bench.machine import describe
from tests.bench.memory_flat import DAY, MANY, RUDE
from tests.bench.results import Report, from_json


@pytest.mark.real
def test_a_tiny_run_measures_every_contestant_and_writes_the_page(tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "out"
    data.mkdir()

    write(Report(describe(data), (measure("memory_flat", "tiny", data),)), output)

    (measured,) = from_json((output / "performance" / RESULTS).read_bytes()).results
    result = measured.result
    assert measured.size == "tiny"
    assert [row.contestant for row in result.rows] == [DAY, MANY, RUDE]
    assert [figure.goal.figure for figure in result.figures] == ["4a", "4b", "4c"]
    day, many, rude = (row.values for row in result.rows)
    assert (day["chunks"].median, day["hours"].median) == (480, 4)
    assert all(values["lost"].median == 0 for values in (day, many, rude))
    assert all(values["chunks"].median > 0 for values in (many, rude))
    assert all(values["peak_mb"].median >= values["first_mb"].median > 0 for values in (day, many))
    page = (output / "PERFORMANCE.md").read_text(encoding="utf-8")
    assert f"## {result.title}" in page
    for plot in result.plots:
        assert f"performance/{plot.file}.svg" in page
        assert (output / "performance" / f"{plot.file}.svg").is_file()
    shutil.rmtree(data / "memory_flat")
    assert list(data.iterdir()) == []
