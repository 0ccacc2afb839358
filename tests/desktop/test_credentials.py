import threading
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked
from typing_extensions import override

from scribe_desktop.credentials import KeyringCredentials, MemoryCredentials
from scribe_desktop.errors import ScribeError

ORIGIN = "https://scribe.example"


class KeyringOfATest(KeyringBackend):
    priority = 5  # type: ignore[assignment]  # a property of the class in the library

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.answers = threading.Event()
        self.answers.set()

    @override
    def get_password(self, service: str, username: str) -> str | None:
        self.answers.wait()
        if self.locked:
            raise KeyringLocked("it is locked")
        return self.kept.get((service, username))

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    @override
    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def backend() -> Iterator[KeyringOfATest]:
    before = keyring.get_keyring()
    mine = KeyringOfATest()
    keyring.set_keyring(mine)
    yield mine
    mine.answers.set()
    keyring.set_keyring(before)


def test_a_token_comes_back_for_its_exact_origin_only(backend: KeyringOfATest) -> None:
    tokens = KeyringCredentials()
    tokens.set(ORIGIN, "secret")
    assert tokens.get(ORIGIN) == "secret"
    assert tokens.get(f"{ORIGIN}:8443") is None
    assert tokens.get("http://scribe.example") is None


def test_a_deleted_token_is_gone_and_deleting_again_is_fine(backend: KeyringOfATest) -> None:
    tokens = KeyringCredentials()
    tokens.set(ORIGIN, "secret")
    tokens.delete(ORIGIN)
    tokens.delete(ORIGIN)
    assert tokens.get(ORIGIN) is None
    assert backend.kept == {}


def test_a_locked_keyring_is_an_error_with_a_remedy(backend: KeyringOfATest) -> None:
    backend.locked = True
    with pytest.raises(ScribeError, match=r"it is locked.*this run only"):
        KeyringCredentials().get(ORIGIN)


def test_a_keyring_that_hangs_is_given_up(backend: KeyringOfATest) -> None:
    backend.answers.clear()
    with pytest.raises(ScribeError, match="did not answer"):
        KeyringCredentials(timeout_s=0.05).get(ORIGIN)


def test_a_system_without_a_keyring_says_so(backend: KeyringOfATest) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(ScribeError, match="no keyring for secrets"):
        KeyringCredentials().set(ORIGIN, "secret")


def test_the_backend_can_be_named(backend: KeyringOfATest) -> None:
    assert "KeyringOfATest" in KeyringCredentials().backend()


def test_memory_keeps_a_token_until_it_is_deleted() -> None:
    tokens = MemoryCredentials({ORIGIN: "one"})
    tokens.set("https://other.example", "two")
    assert tokens.get(ORIGIN) == "one"
    tokens.delete(ORIGIN)
    tokens.delete(ORIGIN)
    assert (tokens.get(ORIGIN), tokens.get("https://other.example")) == (None, "two")


def test_memory_does_not_show_its_tokens() -> None:
    assert "secret" not in repr(MemoryCredentials({ORIGIN: "secret"}))
