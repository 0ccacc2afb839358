from pathlib import Path

import pytest
from click.testing import CliRunner

from scribe_server.auth import TokenInfo
from scribe_server.errors import ConfigError, StartupError
from scribe_server.operations.tokens import state, tokens
from scribe_server.store.lock import FolderLock

DAY_MS = 86_400_000


def run(folder: Path, *words: str) -> str:
    command, *rest = words
    arguments = [command, "--data-dir", str(folder), *rest]
    done = CliRunner().invoke(tokens, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_token_is_printed_once_and_listed_without_itself(tmp_path: Path) -> None:
    token = run(tmp_path, "create", "--user", "ada").strip()
    assert token.startswith("scribe_")
    assert len(token) > 40
    listed = run(tmp_path, "list")
    assert "1\tada\t" in listed
    assert listed.endswith("valid\n")
    assert token not in listed


def test_tokens_can_be_made_while_a_server_holds_the_folder(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path).acquire()
    try:
        assert run(tmp_path, "create", "--user", "ada", "--days", "3").startswith("scribe_")
    finally:
        lock.release()
    assert "valid until" in run(tmp_path, "list")


def test_a_token_is_ended_by_its_number(tmp_path: Path) -> None:
    run(tmp_path, "create", "--user", "ada")
    assert run(tmp_path, "revoke", "1") == "Token 1 is ended.\n"
    assert "\tended " in run(tmp_path, "list")
    with pytest.raises(ConfigError, match="no valid token with the number 1"):
        run(tmp_path, "revoke", "1")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 201])
def test_a_user_has_a_readable_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="--user"):
        run(tmp_path, "create", "--user", name)


def test_no_empty_database_is_made_beside_recordings(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "00000001.seg").write_bytes(b"x")
    with pytest.raises(StartupError, match="no database"):
        run(tmp_path, "create", "--user", "ada")
    assert not (tmp_path / "scribe.sqlite3").exists()


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "words"),
    [
        (None, None, "valid"),
        (2 * DAY_MS, None, "valid until 1970-01-03"),
        (DAY_MS, None, "expired 1970-01-02"),
        (None, 0, "ended 1970-01-01"),
    ],
)
def test_a_tokens_state_in_words(
    expires_at: int | None, revoked_at: int | None, words: str
) -> None:
    assert state(TokenInfo(1, "ada", 0, expires_at, revoked_at, None), DAY_MS) == words
