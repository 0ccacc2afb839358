import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest

from scribe_desktop import errors
from scribe_desktop.cli import program
from scribe_desktop.cli.program import COMMANDS, EXIT_CODES, run, tell
from scribe_desktop.errors import ScribeError

Scribe = Callable[..., Any]


def test_every_command_can_be_imported_and_helps(scribe: Scribe) -> None:
    for name in COMMANDS:
        assert isinstance(
            importlib.import_module(f"scribe_desktop.cli.{name}").command, click.Command
        )
        said = scribe(name, "--help")
        assert said.code == 0
        assert f"scribe {name}" in said.out


def test_help_lists_the_commands_and_the_exit_codes(scribe: Scribe) -> None:
    said = scribe("--help")
    assert said.code == 0
    for name in COMMANDS:
        assert f"  {name} " in said.out
    assert "a recording runs already" in said.out


def test_every_exit_code_of_an_error_is_documented() -> None:
    kinds = [ScribeError, *ScribeError.__subclasses__()]
    assert {0, *(kind.exit_code for kind in kinds)} == set(EXIT_CODES)
    assert errors.UsageError.exit_code == 2


def test_an_unknown_command_or_option_ends_with_2(scribe: Scribe) -> None:
    assert scribe("recrod").code == 2
    said = scribe("record", "--fro", "3")
    assert said.code == 2
    assert "--for" in said.err


def test_the_version_is_told(scribe: Scribe) -> None:
    said = scribe("--version")
    assert (said.code, said.out.split()[0]) == (0, "scribe,")


def test_an_error_says_what_is_wrong_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise errors.AudioError("No sound", "The microphone is gone.", "Plug it in.")

    monkeypatch.setattr(program.scribe, "main", fail)
    assert run([], {}) == 3
    assert capsys.readouterr().err == "No sound: The microphone is gone.\nPlug it in.\n"


def test_giving_up_at_a_prompt_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def give_up(*_args: Any, **_kwargs: Any) -> None:
        raise click.Abort

    monkeypatch.setattr(program.scribe, "main", give_up)
    assert run([], {}) == 1
    assert capsys.readouterr().err == "Given up.\n"


def test_a_reader_that_has_seen_enough_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[int] = []

    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(program.scribe, "main", broken)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
    monkeypatch.setattr(os, "dup2", lambda _from, to: moved.append(to))
    assert run([], {}) == 0
    assert moved == [1]


def test_a_token_in_an_error_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    tell(ScribeError("No", "Bad token scribe_" + "a" * 40))
    assert "[token]" in capsys.readouterr().err
