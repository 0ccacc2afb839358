import numpy as np
import pytest

from scribe_desktop.capture.level import level_of
from scribe_desktop.model import Level


def test_silence_and_nothing_are_minus_120() -> None:
    assert level_of(np.zeros((480, 1), np.int16)) == Level(-120.0, -120.0)
    assert level_of(np.zeros((0, 1), np.int16)) == Level(-120.0, -120.0)


def test_full_scale_is_0_dbfs() -> None:
    level = level_of(np.full((480, 2), -32_768, np.int16))
    assert (level.peak_dbfs, level.rms_dbfs) == (0.0, 0.0)


def test_a_sine_has_an_rms_3_db_below_its_peak() -> None:
    time = np.arange(4_800) / 48_000
    sine = (16_384 * np.sin(2 * np.pi * 1_000 * time)).astype(np.int16).reshape(-1, 1)
    level = level_of(sine)
    assert level.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert level.rms_dbfs == pytest.approx(-9.03, abs=0.01)
