from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.capture import wav
from scribe_desktop.capture.wav import WavWriter
from scribe_desktop.errors import AudioError
from tests.parts.capture import tone


@pytest.mark.parametrize("channels", [1, 2])
def test_the_file_holds_exactly_what_was_written(tmp_path: Path, channels: int) -> None:
    sound = tone(10_000, channels=channels)
    writer = WavWriter(tmp_path / "x.wav", channels=channels)
    writer.write(sound[:3_333])
    writer.write(sound[3_333:])
    writer.close()
    back, rate = soundfile.read(tmp_path / "x.wav", dtype="int16", always_2d=True)
    assert rate == 48_000
    assert np.array_equal(back, sound)


def test_a_folder_that_is_not_there_is_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="WAV file cannot be written"):
        WavWriter(tmp_path / "none" / "x.wav", channels=1)


def test_a_full_wav_is_an_audio_error_and_what_was_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav, "_LIMIT", 2 * 1_000)
    writer = WavWriter(tmp_path / "x.wav", channels=1)
    writer.write(tone(1_000))
    with pytest.raises(AudioError, match="cannot be longer"):
        writer.write(tone(1))
    writer.close()
    assert soundfile.info(tmp_path / "x.wav").frames == 1_000
