"""Errors that a person can act on. Foreign exceptions become these at the door modules only."""


class ScribeError(Exception):
    """Something in the surroundings is at fault: what it is, why, and what to do about it.

    Attributes:
        title: a few words, fit for a heading.
        message: one sentence saying what happened.
        remedy: one sentence saying what to do; may be empty.
        exit_code: what the command line ends with.
    """

    exit_code = 1

    def __init__(self, title: str, message: str, remedy: str = "") -> None:
        super().__init__(f"{title}: {message} {remedy}".strip())
        self.title = title
        self.message = message
        self.remedy = remedy


class UsageError(ScribeError):
    """A value given by the person does not fit."""

    exit_code = 2


class AudioError(ScribeError):
    """Sound cannot be captured, read, encoded or written."""

    exit_code = 3


class AlreadyRecordingError(ScribeError):
    """A recording runs already."""

    exit_code = 4


class RefusedError(ScribeError):
    """The server refused for good; the audio is kept on this computer."""

    exit_code = 5


class NotDeliveredError(ScribeError):
    """Not everything was delivered in time; the audio is safe on this computer."""

    exit_code = 6


class SpoolError(ScribeError):
    """The spool cannot be opened or written."""

    exit_code = 7


class UnreachableError(ScribeError):
    """A server or a running instance cannot be reached."""

    exit_code = 8


class OnlyHereError(NotDeliveredError):
    """Deleting this would lose sound that is not known to be anywhere else.

    Attributes:
        lost_ms: how much, in milliseconds.
    """

    def __init__(self, title: str, lost_ms: int, *, asked: bool) -> None:
        minutes = f"{lost_ms / 60_000:.1f} minutes"
        message = (
            f"{minutes} of “{title}” are not on the server."
            if asked
            else f"{minutes} of “{title}” may be nowhere else: the server does not confirm it now."
        )
        super().__init__(
            "Only on this computer",
            message,
            "Wait until it is delivered, or confirm that these minutes are lost.",
        )
        self.lost_ms = lost_ms
