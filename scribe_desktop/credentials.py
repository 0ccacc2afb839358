"""Tokens: in the system's keyring, one per exact origin; in memory where a run brings its own.

The door to the keyring library. Its backends talk to other programs and may wait for ever, so
every call runs on a thread of its own and is given up after a time-out.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import ModuleType
from typing import Final, Protocol, TypeVar

from typing_extensions import override

from scribe_desktop.errors import ScribeError

SERVICE: Final = "scribe"
TIMEOUT_S: Final = 30.0
"""Long enough for a person to type the password that unlocks the keyring."""

REMEDY: Final = (
    "Unlock or install a keyring (GNOME Keyring, KWallet), or give the token for this run only "
    "in the environment variable SCRIBE_TOKEN."
)

T = TypeVar("T")


class Credentials(Protocol):
    """Keeps one token per origin (`https://host[:port]`)."""

    def get(self, origin: str) -> str | None:
        """The token for an origin, None without one."""

    def set(self, origin: str, token: str) -> None:
        """Keep a token for an origin."""

    def delete(self, origin: str) -> None:
        """Forget the token for an origin; fine without one."""


class MemoryCredentials:
    """Tokens for this run only."""

    def __init__(self, tokens: dict[str, str] | None = None) -> None:
        self._tokens = dict(tokens or {})

    @override
    def __repr__(self) -> str:
        return f"MemoryCredentials({sorted(self._tokens)})"

    def get(self, origin: str) -> str | None:
        """The token for an origin, None without one."""
        return self._tokens.get(origin)

    def set(self, origin: str, token: str) -> None:
        """Keep a token until the program ends."""
        self._tokens[origin] = token

    def delete(self, origin: str) -> None:
        """Forget the token for an origin."""
        self._tokens.pop(origin, None)


class KeyringCredentials:
    """Tokens in the system's keyring.

    Every method raises ScribeError when there is no keyring fit for secrets, when it refuses, or
    when it does not answer in `timeout_s` seconds.
    """

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    def get(self, origin: str) -> str | None:
        """The token for an origin, None without one."""
        token: str | None = self._ask(lambda keyring: keyring.get_password(SERVICE, origin))
        return token

    def set(self, origin: str, token: str) -> None:
        """Keep a token for an origin."""
        self._ask(lambda keyring: keyring.set_password(SERVICE, origin, token))

    def delete(self, origin: str) -> None:
        """Forget the token for an origin; fine without one."""

        def forget(keyring: ModuleType) -> None:
            if keyring.get_password(SERVICE, origin) is not None:
                keyring.delete_password(SERVICE, origin)

        self._ask(forget)

    def backend(self) -> str:
        """The name of the keyring in use."""
        return self._ask(lambda keyring: str(keyring.get_keyring().name))

    def _ask(self, question: Callable[[ModuleType], T]) -> T:
        answer: Future[T] = Future()
        threading.Thread(
            target=_answer, args=(question, answer), name="scribe-keyring", daemon=True
        ).start()
        try:
            return answer.result(self._timeout_s)
        except TimeoutError as error:
            raise ScribeError(
                "Keyring does not answer",
                f"The system's keyring did not answer in {self._timeout_s:g} s.",
                REMEDY,
            ) from error
        except ScribeError:
            raise
        except Exception as error:  # backends are foreign code: any of their errors means the same
            raise ScribeError("No keyring", f"The system's keyring failed: {error}.", REMEDY) from (
                error
            )


def _answer(question: Callable[[ModuleType], T], answer: "Future[T]") -> None:
    try:
        import keyring  # looking for backends is slow, so it happens on this thread

        if keyring.get_keyring().priority < 1:  # what the library itself would not recommend:
            # none, one that forgets, or one that writes tokens into a readable file
            raise ScribeError("No keyring", "This system has no keyring for secrets.", REMEDY)
        answer.set_result(question(keyring))
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for the answer
        answer.set_exception(error)
