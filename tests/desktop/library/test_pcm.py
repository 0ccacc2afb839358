from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.library.pcm import decode, write_pcm
from scribe_desktop.library.webm import read_chunk
from tests.parts.capture import decoded, one_chunk, tone


@pytest.mark.parametrize("channels", [1, 2])
def test_decoding_gives_what_a_player_of_the_file_hears_to_the_sample(channels: int) -> None:
    data = one_chunk(tone(100_000, channels=channels))
    read = read_chunk(data)
    sound = np.concatenate(list(decode(read.head, read.packets, 100_000)))
    heard = np.clip(np.rint(decoded(data) * 32768), -32768, 32767)
    assert sound.shape == (100_000, channels)
    assert np.array_equal(sound, heard)


@pytest.mark.parametrize("kind", ["flac", "wav"])
def test_written_samples_are_read_back_unchanged(tmp_path: Path, kind: str) -> None:
    sound = tone(10_000, channels=2)
    path = tmp_path / f"x.{kind}"
    assert write_pcm(path, kind, 2, [sound[:4_000], sound[4_000:]], 10_000) == 10_000
    back, rate = soundfile.read(path, dtype="int16")
    assert rate == 48_000
    assert np.array_equal(back, sound)


def test_a_wav_past_four_gigabytes_is_an_rf64(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    write_pcm(path, "wav", 2, [tone(5_000_000 // 1_000, channels=2)], 1_000_000_001)
    assert path.read_bytes()[:4] == b"RF64"
    assert soundfile.info(path).frames == 5_000
