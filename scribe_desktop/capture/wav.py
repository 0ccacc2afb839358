"""The captured samples as a WAV file, exactly as they enter the encoder."""

from pathlib import Path
from typing import Final

import soundfile

from scribe_desktop.capture.encoder import Block
from scribe_desktop.errors import AudioError
from scribe_desktop.model import SAMPLE_RATE

_LIMIT: Final = 4_000_000_000


class WavWriter:
    """Writes while the recording runs; a WAV ends at 4 GB (12 hours of mono).

    Raises:
        AudioError: the file cannot be made or written, or is full.
    """

    def __init__(self, path: Path, *, channels: int) -> None:
        self._path = path
        self._left = _LIMIT // (2 * channels)
        try:
            self._file = soundfile.SoundFile(
                path, "w", SAMPLE_RATE, channels, subtype="PCM_16", format="WAV"
            )
        except (OSError, soundfile.SoundFileError) as error:
            raise self._failed(error) from error

    def write(self, block: Block) -> None:
        """Append samples of shape (frames, channels)."""
        self._left -= len(block)
        if self._left < 0:
            raise self._failed(ValueError("a WAV file cannot be longer"))
        try:
            self._file.write(block)
        except (OSError, soundfile.SoundFileError) as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Complete the header."""
        try:
            self._file.close()
        except (OSError, soundfile.SoundFileError) as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> AudioError:
        return AudioError(
            "The WAV file cannot be written",
            f"{self._path.name}: {error}",
            "Check the folder and the free space; the recording itself is not affected.",
        )
