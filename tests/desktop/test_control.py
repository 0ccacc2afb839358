import json
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.control import MAX_LINE, ControlServer, call, error_of, is_listening
from scribe_desktop.errors import (
    AlreadyRecordingError,
    ScribeError,
    SpoolError,
    UnreachableError,
    UsageError,
)


def refuse(_: Mapping[str, Any]) -> dict[str, Any]:
    raise AlreadyRecordingError("A recording runs", "It runs.", "Stop it.")


def break_down(_: Mapping[str, Any]) -> dict[str, Any]:
    raise ZeroDivisionError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def server(path: Path) -> Iterator[ControlServer]:
    handlers = {"echo": lambda request: {"said": request["word"]}, "no": refuse, "bug": break_down}
    server = ControlServer(path, handlers)
    server.start()
    yield server
    server.stop()


def raw(path: Path, data: bytes) -> Any:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(data)
        return json.loads(connection.makefile("rb").readline() or b"null")


def test_a_request_reaches_its_handler_and_the_reply_comes_back(
    server: ControlServer, path: Path
) -> None:
    assert call(path, {"command": "echo", "word": "grüß"})["said"] == "grüß"


def test_the_socket_is_its_owners_only(server: ControlServer, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_error_arrives_as_what_it_was(server: ControlServer, path: Path) -> None:
    with pytest.raises(AlreadyRecordingError) as caught:
        call(path, {"command": "no"})
    assert (caught.value.title, caught.value.remedy) == ("A recording runs", "Stop it.")
    assert caught.value.exit_code == 4


@pytest.mark.logs_errors
def test_a_mistake_in_a_handler_is_told_without_its_details(
    server: ControlServer, path: Path
) -> None:
    with pytest.raises(ScribeError, match="log") as caught:
        call(path, {"command": "bug"})
    assert "ZeroDivision" not in str(caught.value)


@pytest.mark.parametrize("data", [b"{\n", b"[]\n", b'{"command": "x"}\n', b'{"command": []}\n'])
def test_what_is_no_request_is_refused(server: ControlServer, path: Path, data: bytes) -> None:
    assert raw(path, data)["exitCode"] == UsageError.exit_code


def test_a_program_that_hangs_up_harms_nobody(server: ControlServer, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b'{"comm')
    assert call(path, {"command": "echo", "word": "still here"})["ok"]


def test_an_endless_request_is_cut(server: ControlServer, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        with pytest.raises(OSError, match=r"pipe|reset"):
            connection.sendall(b"x" * (MAX_LINE + 16 * 1024 * 1024))
    assert is_listening(path)


def test_a_handler_can_be_set_later(server: ControlServer, path: Path) -> None:
    server.set_handler("raise", lambda _: {"raised": True})
    assert call(path, {"command": "raise"})["raised"]


def test_the_socket_of_a_dead_owner_is_taken_over(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert not is_listening(path)
    server = ControlServer(path, {"echo": lambda _: {}})
    server.start()
    assert call(path, {"command": "echo"})["ok"]
    server.stop()


def test_after_stopping_nobody_listens_and_stopping_again_is_fine(
    server: ControlServer, path: Path
) -> None:
    server.stop()
    server.stop()
    assert not path.exists()
    assert not is_listening(path)
    with pytest.raises(UnreachableError):
        call(path, {"command": "echo"})


def test_a_folder_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="SCRIBE_HOME"):
        ControlServer(tmp_path / "none" / "s", {}).start()


def test_every_exit_code_becomes_its_error_again() -> None:
    assert type(error_of({"exitCode": 7, "title": "t"})) is SpoolError
    assert type(error_of({"exitCode": 99})) is ScribeError
