import sys

import pytest

from scribe_desktop.cli import screen as screen_module
from scribe_desktop.cli.screen import Screen, clock_text, parts


def test_lengths_read_like_a_clock() -> None:
    assert clock_text(48_000 * 61) == "01:01"
    assert clock_text(48_000 * 3_723) == "1:02:03"
    assert clock_text(47_999) == "00:00"


def test_parts_are_counted_in_english() -> None:
    assert [parts(0), parts(1), parts(2)] == ["0 parts", "1 part", "2 parts"]


def test_with_json_words_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    both = Screen(as_json=True)
    both.say("words")
    both.result({"ü": 1})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ('{"ü": 1}\n', "words\n")


def test_without_json_there_are_only_words(capsys: pytest.CaptureFixture[str]) -> None:
    plain = Screen(as_json=False)
    plain.say("words")
    plain.result({"a": 1})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("words\n", "")


def test_without_a_terminal_progress_is_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen_module, "PLAIN_EVERY_S", 0.0)
    with Screen(as_json=False).progress() as show:
        show("Sending", 1, 3)
        show("Sending", 1, 3)
        show("Recording", 0, 0)
    assert capsys.readouterr().out == "Sending (1 of 3)\nRecording\n"


def test_on_a_terminal_progress_moves_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with Screen(as_json=False).progress() as show:
        show("Sending", 1, 3)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Sending" in captured.err
