import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from scribe_desktop.capture.decoding import mixed, read_blocks
from scribe_desktop.errors import AudioError
from tests.parts.capture import tone
from tests.parts.processes import program


def read(path: Path, *, channels: int = 1) -> npt.NDArray[np.int16]:
    blocks = [block for block in read_blocks(path, channels=channels) if len(block)]
    return np.concatenate(blocks) if blocks else np.zeros((0, channels), np.int16)


@pytest.mark.parametrize("name", ["x.wav", "x.flac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_16_bit_files_at_48_khz_come_out_unchanged(
    tmp_path: Path, name: str, channels: int
) -> None:
    sound = tone(100_001, channels=channels)
    soundfile.write(tmp_path / name, sound, 48_000, subtype="PCM_16")
    assert np.array_equal(read(tmp_path / name, channels=channels), sound)


@given(
    rate=st.sampled_from([8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 96_000, 192_000]),
    samples=st.integers(1, 30_000),
    channels=st.sampled_from([1, 2, 6]),
    wanted=st.sampled_from([1, 2]),
)
def test_every_rate_and_channel_count_gives_an_exact_number_of_samples(
    tmp_path_factory: pytest.TempPathFactory, rate: int, samples: int, channels: int, wanted: int
) -> None:
    path = tmp_path_factory.mktemp("decoding") / "x.wav"
    soundfile.write(path, np.repeat(tone(samples), channels, axis=1), rate, subtype="PCM_16")
    sound = read(path, channels=wanted)
    assert sound.shape == (-(-samples * 48_000 // rate), wanted)


def test_a_resampled_tone_keeps_its_pitch_and_its_place(tmp_path: Path) -> None:
    time = np.arange(44_100) / 44_100
    sine = (10_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
    soundfile.write(tmp_path / "x.wav", sine, 44_100)
    expected = 10_000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    difference = read(tmp_path / "x.wav")[1_000:-1_000, 0] - expected[1_000:-1_000]
    assert np.abs(difference).max() < 20


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT", "DOUBLE"])
def test_other_sample_formats_keep_their_loudness(tmp_path: Path, subtype: str) -> None:
    sound = tone(10_000)
    soundfile.write(tmp_path / "x.wav", sound / 32_768, 48_000, subtype=subtype)
    assert np.abs(read(tmp_path / "x.wav").astype(int) - sound).max() <= 1


@pytest.mark.parametrize("name", ["x.ogg", "x.mp3", "x.m4a", "x.webm", "x.mkv"])
def test_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / "source.wav", tone(96_000, channels=2), 48_000)
    command = [program("ffmpeg"), "-v", "error", "-i", tmp_path / "source.wav", tmp_path / name]
    subprocess.run(command, check=True)
    sound = read(tmp_path / name, channels=2)
    assert 96_000 <= len(sound) < 96_000 + 4_096
    assert 3_000 < np.abs(sound.astype(int)).mean() < 6_000


def test_channels_are_averaged_or_doubled() -> None:
    stereo = np.array([[100, 300], [-100, 100]], np.int16)
    assert mixed(stereo, 1).tolist() == [[200], [0]]
    assert mixed(np.array([[5], [7]], np.int16), 2).tolist() == [[5, 5], [7, 7]]
    assert mixed(stereo, 2) is stereo


def test_a_missing_file_is_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"none\.wav: No such file"):
        read(tmp_path / "none.wav")


def test_a_file_that_is_no_sound_is_an_audio_error(tmp_path: Path) -> None:
    (tmp_path / "x.mp3").write_text("hello")
    with pytest.raises(AudioError, match="cannot be read as sound"):
        read(tmp_path / "x.mp3")


def test_a_file_without_an_audio_track_is_an_audio_error(tmp_path: Path) -> None:
    picture = ["-f", "lavfi", "-i", "color=size=16x16:duration=0.2"]
    subprocess.run([program("ffmpeg"), "-v", "error", *picture, tmp_path / "x.mkv"], check=True)
    with pytest.raises(AudioError, match="no audio track"):
        read(tmp_path / "x.mkv")


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros((0, 1), np.int16), 44_100)
    assert len(read(tmp_path / "x.wav")) == 0
