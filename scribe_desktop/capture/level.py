"""How loud a block is. Pure."""

import math
from typing import Final

import numpy as np

from scribe_desktop.capture.encoder import Block
from scribe_desktop.model import Level

_FULL_SCALE: Final = 32_768
_SILENCE_DBFS: Final = -120.0


def level_of(block: Block) -> Level:
    """Peak and RMS over all channels in dBFS; full scale is 0, silence -120."""
    if not block.size:
        return Level()
    samples = block.astype(np.float64)
    peak = float(np.abs(samples).max())
    rms = math.sqrt(float(np.mean(samples * samples)))
    return Level(_dbfs(peak), _dbfs(rms))


def _dbfs(amplitude: float) -> float:
    if amplitude <= 0:
        return _SILENCE_DBFS
    return max(_SILENCE_DBFS, 20 * math.log10(amplitude / _FULL_SCALE))
