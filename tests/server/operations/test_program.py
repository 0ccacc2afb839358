import subprocess
import sys
from pathlib import Path

import pytest

from scribe_server import __main__ as command
from scribe_server.operations import program
from scribe_server.store.lock import FolderLock


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        program.main(arguments)
    return int(caught.value.code or 0), capsys.readouterr().err


def test_a_bad_setting_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, words = run(["--port", "http"], capsys)
    assert (code, words) == (2, "PORT must be a whole number from 0 to 65535, not 'http'.\n")


def test_a_folder_in_use_is_told_with_a_remedy_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = FolderLock(tmp_path).acquire()
    try:
        code, words = run(["--data-dir", str(tmp_path), "--port", "0"], capsys)
    finally:
        lock.release()
    assert code == 1
    assert "Another Scribe server" in words
    assert "--data-dir" in words


def test_a_missing_extra_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "NEEDED", ("json", "not_installed_here"))
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == (
        "The server needs not_installed_here: install it with "
        "pip install 'scribe-recorder[server]'\n"
    )


def test_asking_for_help_imports_neither_the_server_nor_the_media_library() -> None:
    code = (
        "import sys; from scribe_server.operations import program\n"
        "unwanted = {'socketio', 'aiohttp', 'av', 'cryptography', 'picows'}\n"
        "unwanted |= {'scribe_server.loadtest'}\n"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout == "[]\n"


def test_the_load_tests_own_options_reach_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        program.main(["loadtest", "--help"])
    assert caught.value.code == 0
    assert "--drop-network" in capsys.readouterr().out


def test_a_bad_option_of_the_load_test_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, words = run(["loadtest", "--fast", "--flood"], capsys)
    assert code == 2
    assert "Choose one of" in words
