"""What can keep the server from starting, told in words for the person who runs it.

What a client may not do is never an exception here: it is a value, a payload with a code of the
wire's error table.
"""


class ConfigError(Exception):
    """A setting has a value that cannot be used; the message names the setting."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class StartupError(Exception):
    """The server cannot start; `remedy` says what the person can do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
