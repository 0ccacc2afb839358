import importlib.util
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scribe_server.loadtest import command
from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.options import Options
from scribe_server.loadtest.plan import Pace
from scribe_server.loadtest.report import Report, decode
from tests.parts.loadtest import example_report


class Ran:
    """Takes the place of a run; keeps its options."""

    def __init__(self, **report: Any) -> None:
        self.options: Options | None = None
        self._report = report

    async def __call__(self, options: Options, _screen: object) -> Report:
        self.options = options
        return example_report(options=options, **self._report)


def call(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, ran: Any = None, **environ: str
) -> tuple[Result, Options | None]:
    run = Ran() if ran is None else ran
    monkeypatch.setattr(command, "run", run)
    result = CliRunner().invoke(command.loadtest, list(arguments), env=environ)
    return result, getattr(run, "options", None)


def options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str, **env: str
) -> Options:
    file = str(tmp_path / "r.json")
    result, found = call(monkeypatch, *arguments, "--json", file, **env)
    assert result.exit_code in {0, 1}, result.output
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fast", "--flood"), "Choose one of"),
        (("--rate", "3", "--realtime"), "Choose one of"),
        (("--url", "127.0.0.1:1"), "address such as"),
        (("--url", "http://x", "--overload"), "leave --url out"),
        (("--server-pid", "1"), "belongs to --url"),
        (("--url", "http://x", "--max-rss", "9"), "needs --server-pid"),
        (("--chunk-kb", "9"), "needs --synthetic"),
        (("--synthetic", "--chunk-kb", "20000"), "at most"),
        (("--sessions", "2", "--reconnect-herd", "3"), "cannot be more"),
        (("--chunks", "0"), "--chunks"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_bad_options_are_told_and_end_with_2(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    result, found = call(monkeypatch, *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert found is None


def test_a_page_without_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    result, _ = call(monkeypatch, "--html", "x.html")
    assert result.exit_code == 2
    assert "scribe-recorder[loadtest]" in result.output


def test_an_hour_of_one_recorder_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = options(monkeypatch, tmp_path).plan
    assert (plan.sessions, plan.chunks, plan.pace) == (1, 120, Pace.NORMAL)


def test_the_originals_options_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = options(monkeypatch, tmp_path, "--chunks=7", "--fast", "--userId=test-user")
    assert (found.plan.chunks, found.plan.pace, found.user_id) == (7, Pace.FAST, "test-user")


def test_a_run_by_time_has_no_number_of_chunks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = options(monkeypatch, tmp_path, "--rate", "333", "--seconds", "20", "--synthetic")
    assert (found.plan.chunks, found.plan.pace, found.plan.rate) == (None, Pace.RATE, 333)
    assert found.chunk_bytes == 100_000


def test_an_overload_floods_with_some_sessions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = options(monkeypatch, tmp_path, "--overload").plan
    assert (plan.pace, plan.sessions) == (Pace.FLOOD, 4)


def test_a_herd_brings_its_sessions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert options(monkeypatch, tmp_path, "--reconnect-herd", "30").plan.sessions == 30


def test_the_token_comes_from_the_environment_and_is_for_the_given_server_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = options(monkeypatch, tmp_path, "--url", "http://x/", SCRIBE_TOKEN="scribe_t")
    assert (found.url, found.token) == ("http://x", "scribe_t")
    assert options(monkeypatch, tmp_path, SCRIBE_TOKEN="scribe_t").token is None


def test_the_report_lies_in_the_current_folder_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result, _ = call(monkeypatch, "--html", "page.html")
    assert result.exit_code == 0
    (file,) = tmp_path.glob("perf-report-*.json")
    assert decode(file.read_bytes()).passed
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert result.stdout.splitlines()[-1] == "passed"


def test_a_limit_that_does_not_hold_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, _ = call(monkeypatch, "--max-p99", "1", "--json", str(tmp_path / "r.json"))
    assert result.exit_code == 1
    assert "NOT HELD: latency_p99_ms_at_most 1" in result.stdout


def test_a_run_that_cannot_go_on_is_one_sentence_and_1(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_options: Options, _screen: object) -> Report:
        raise LoadtestError("The server is gone.")

    result, _ = call(monkeypatch, ran=fail)
    assert (result.exit_code, result.output) == (1, "Error: The server is gone.\n")


def test_ctrl_c_ends_without_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(_options: Options, _screen: object) -> Report:
        raise KeyboardInterrupt

    result, _ = call(monkeypatch, ran=interrupted)
    assert result.exit_code == 130
    assert "no report" in result.output


def test_a_report_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, _ = call(monkeypatch, "--json", str(tmp_path / "nowhere" / "r.json"))
    assert result.exit_code == 1
    assert "cannot be written" in result.output
