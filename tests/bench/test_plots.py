from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.bench.made_results import REPORT
from tests.bench.plots import svg_of
from tests.bench.results import Plot, Series

BARS = REPORT.results[0].result.plots[0]
LINES = Plot(
    "memory",
    "lines",
    "Memory",
    (Series("one session", (80.0, 81.0), (0.0, 1.0)), Series("500", (90.0, 95.0), (0.0, 1.0))),
    "MB",
    "hours",
    x_ticks=((0.5, "half an hour"),),
)


@pytest.mark.parametrize("plot", [BARS, LINES])
def test_a_picture_names_what_it_shows_as_text(plot: Plot) -> None:
    root = ET.fromstring(svg_of(plot))  # noqa: S314 - it was made here
    texts = {"".join(node.itertext()).strip() for node in root.iter() if node.tag.endswith("text")}
    assert {plot.title, plot.y_label, *(series.name for series in plot.series)} <= texts


def test_a_picture_turns_dark_with_the_page() -> None:
    text = svg_of(BARS)
    assert "prefers-color-scheme: dark" in text
    assert "fill: #fdfdfd" in text.split("</style>", 1)[1]


def test_the_same_plot_gives_the_same_picture() -> None:
    assert svg_of(BARS) == svg_of(BARS)


def test_places_on_the_axis_can_be_named() -> None:
    assert "half an hour" in svg_of(LINES)


def test_a_logarithmic_axis_has_plain_numbers() -> None:
    text = svg_of(replace(LINES, series=(Series("x", (2.0, 900.0), (0.0, 1.0)),), log=True))
    assert ">100</text>" in text
