import pytest

from scribe_desktop.errors import AudioError, ScribeError


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
