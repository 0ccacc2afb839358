import pytest

from scribe_desktop.errors import AudioError, NotDeliveredError, OnlyHereError, ScribeError


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = AudioError("No sound", "The microphone is gone.", "Plug it in.")
    assert (error.title, error.message, error.remedy) == (
        "No sound",
        "The microphone is gone.",
        "Plug it in.",
    )
    assert str(error) == "No sound: The microphone is gone. Plug it in."


def test_without_a_remedy_the_text_ends_with_the_message() -> None:
    assert str(ScribeError("Title", "Message.")) == "Title: Message."


@pytest.mark.parametrize("kind", ScribeError.__subclasses__())
def test_every_kind_can_be_caught_as_one(kind: type[ScribeError]) -> None:
    with pytest.raises(ScribeError):
        raise kind("Title", "Message.")
    assert kind.exit_code not in {0, ScribeError.exit_code}


def test_what_is_only_here_is_told_in_minutes_and_by_what_the_server_said() -> None:
    asked, silent = (OnlyHereError("Weekly", 150_000, asked=each) for each in (True, False))
    assert asked.message == "2.5 minutes of “Weekly” are not on the server."
    assert "may be nowhere else" in silent.message
    assert (silent.lost_ms, silent.exit_code) == (150_000, NotDeliveredError.exit_code)
