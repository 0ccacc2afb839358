import sys

import pytest

from scribe_desktop import __main__ as program


def test_without_the_desktop_extra_one_sentence_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "find_spec", lambda name: None if name == "av" else object())
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "The desktop program needs av; install it with: pip install 'scribe-recorder[desktop]'\n"
    )


def test_with_it_the_command_line_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["scribe", "--version"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("scribe, version ")
