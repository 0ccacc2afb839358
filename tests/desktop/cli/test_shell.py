import pytest

from scribe_desktop import control
from scribe_desktop.cli.shell import open_shell
from scribe_desktop.credentials import KeyringCredentials, MemoryCredentials
from scribe_desktop.errors import UnreachableError
from scribe_desktop.paths import Paths
from tests.parts.filled_spool import add_session, session_id_of, spool_in

ORIGIN = "https://scribe.example"


def test_the_flags_become_settings(environ: dict[str, str]) -> None:
    shell = open_shell(environ, server=ORIGIN, insecure=True)
    assert (shell.settings.server, shell.settings.insecure, shell.chose_server) == (
        ORIGIN, True, True,
    )  # fmt: skip
    assert not open_shell(environ).chose_server


def test_a_token_of_the_environment_is_for_the_chosen_server_only(
    environ: dict[str, str],
) -> None:
    shell = open_shell({**environ, "SCRIBE_TOKEN": " secret \n"}, server=ORIGIN)
    tokens = shell.credentials()
    assert isinstance(tokens, MemoryCredentials)
    assert tokens.get(ORIGIN) == "secret"
    assert tokens.get("https://other.example") is None


def test_without_one_the_keyring_is_asked(environ: dict[str, str]) -> None:
    assert isinstance(open_shell(environ, server=ORIGIN).credentials(), KeyringCredentials)
    assert isinstance(
        open_shell({**environ, "SCRIBE_TOKEN": "x"}).credentials(), KeyringCredentials
    )


def test_reading_needs_neither_a_spool_nor_its_lock(environ: dict[str, str], paths: Paths) -> None:
    shell = open_shell(environ)
    with shell.reading() as nothing:
        assert nothing is None
    owner = spool_in(paths.spool_dir)
    add_session(owner, session_id_of(1), chunks=1)
    with shell.reading() as spool:
        assert spool is not None
        assert len(spool.sessions()) == 1
    owner.close()


def test_an_instance_that_ends_while_it_is_asked_leaves_the_usual_folder(
    environ: dict[str, str], paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise UnreachableError("Scribe", "It has ended.")

    monkeypatch.setattr(control, "is_listening", lambda _: True)
    monkeypatch.setattr(control, "call", gone)
    assert open_shell(environ).spool_dir == paths.spool_dir
