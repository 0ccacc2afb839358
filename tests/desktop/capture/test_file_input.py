from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.capture.file_input import FileInput
from scribe_desktop.capture.inputs import Event, Sound
from scribe_desktop.errors import AudioError
from tests.parts.capture import tone

SOUND = tone(120_001)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "talk.wav", SOUND, 48_000, subtype="PCM_16")
    return tmp_path / "talk.wav"


def joined(events: list[Event]) -> np.ndarray:
    return np.concatenate([event.block for event in events if isinstance(event, Sound)])


def test_as_fast_as_possible_it_gives_everything_and_ends(path: Path) -> None:
    source = FileInput(path, channels=1, realtime=False)
    source.open()
    events: list[Event] = []
    while not source.ended:
        events += source.poll()
    assert np.array_equal(joined(events), SOUND)
    assert source.poll() == []
    assert (source.wait_s, source.name) == (0.0, "talk.wav")


def test_in_real_time_it_gives_what_is_due(path: Path) -> None:
    now = 100.0
    source = FileInput(path, channels=1, realtime=True, monotonic=lambda: now)
    source.open()
    assert source.poll() == []
    now += 1.5
    first = source.poll()
    assert len(joined(first)) == 72_000
    source.pause()
    now += 60
    source.resume()
    now += 0.5
    second = source.poll()
    assert len(joined(second)) == 24_000
    now += 60
    assert not source.ended
    third = source.poll()
    assert source.ended
    assert np.array_equal(joined(first + second + third), SOUND)


def test_a_file_that_is_not_there_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(AudioError):
        FileInput(tmp_path / "none.wav", channels=1, realtime=False).open()


def test_a_closed_file_has_ended(path: Path) -> None:
    source = FileInput(path, channels=1, realtime=False)
    source.open()
    source.close()
    assert source.ended
    assert source.poll() == []


def test_an_empty_file_ends_at_once(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros((0, 1), np.int16), 48_000)
    source = FileInput(tmp_path / "x.wav", channels=1, realtime=False)
    source.open()
    assert source.ended
