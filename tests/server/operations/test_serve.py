import os

import pytest

from scribe_server.errors import StartupError
from scribe_server.operations.serve import _token_from_stdin


@pytest.fixture
def standard_input() -> "int":
    """The writing end of a pipe that takes the place of stdin."""
    saved = os.dup(0)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    os.close(reader)
    yield writer  # type: ignore[misc] # a fixture
    os.dup2(saved, 0)
    os.close(saved)


def test_the_token_is_the_first_line_and_the_rest_stays_unread(standard_input: int) -> None:
    os.write(standard_input, b"a" * 43 + b"\nrest")
    os.close(standard_input)
    assert _token_from_stdin() == "a" * 43
    assert os.read(0, 10) == b"rest"


@pytest.mark.parametrize("sent", [b"", b"short\n", b"x" * 5000])
def test_a_child_without_a_good_token_does_not_start(standard_input: int, sent: bytes) -> None:
    os.write(standard_input, sent)
    os.close(standard_input)
    with pytest.raises(StartupError, match="needs a token"):
        _token_from_stdin()
