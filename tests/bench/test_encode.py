import resource
from pathlib import Path

import numpy as np
import pytest

from tests.bench import encode
from tests.parts.sound import RATE, Pcm, write_wav


def hum(seconds: float) -> Pcm:
    time = np.arange(int(RATE * seconds)) / RATE
    return (np.sin(2 * np.pi * 220 * time) * 8000).astype(np.int16)


def sound_in(folder: Path, seconds: float = 2.0) -> encode.Sound:
    samples = hum(seconds)
    return encode.Sound(samples, write_wav(folder / "hum.wav", samples))


def test_the_chain_and_the_encoder_alone_make_the_same_packets(tmp_path: Path) -> None:
    sound = sound_in(tmp_path)

    packets = encode.encoder(sound, tmp_path)
    files = encode.chain(sound, tmp_path)

    assert packets < files < packets * 1.5


def test_a_run_is_stated_per_hour_of_sound(tmp_path: Path) -> None:
    sound = sound_in(tmp_path)

    run = encode.measured(lambda _sound, _folder: 8000, resource.RUSAGE_SELF, sound, tmp_path)

    assert run["kbit_s"] == 32
    assert run["core"] == pytest.approx(run["cpu_s"] / 36)


def test_the_figure_is_our_processor_time_over_that_of_opusenc() -> None:
    runs = {encode.OURS: [{"cpu_s": 30.0}], encode.OPUSENC: [{"cpu_s": 40.0}]}

    (figure,) = encode.figures(runs)

    assert figure.measured.median == 0.75
    assert figure.reached
