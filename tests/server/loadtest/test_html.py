import re

from scribe_server.loadtest.html import page
from scribe_server.loadtest.options import Options
from scribe_server.loadtest.outcome import Seen
from tests.parts.loadtest import example_report, plan


def test_the_page_holds_its_plots_and_loads_nothing() -> None:
    made = page(example_report())
    assert made.count("<svg") == 4
    assert "<script" not in made
    assert re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", made) == []
    assert "0 of 2 lost" in made


def test_what_is_unknown_has_no_plot() -> None:
    assert page(example_report(seen=Seen())).count("<svg") == 1


def test_the_verdict_is_the_reports() -> None:
    assert '<span class="passed">' in page(example_report())
    failed = page(example_report(options=Options(plan(), max_p99_ms=1.0)))
    assert '<span class="failed">' in failed
    assert "not held" in failed
