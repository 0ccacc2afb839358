"""The captured samples as a WAV file, exactly as they enter the encoder."""

from pathlib import Path

import soundfile

from scribe_desktop.capture.encoder import Block
from scribe_desktop.errors import AudioError
from scribe_desktop.model import SAMPLE_RATE


class WavWriter:
    """Writes while the recording runs; past 4 GB the file is an RF64 (EBU Tech 3306).

    Raises:
        AudioError: the file cannot be made or written.
    """

    def __init__(self, path: Path, *, channels: int) -> None:
        self._path = path
        try:
            self._file = soundfile.SoundFile(
                path, "w", SAMPLE_RATE, channels, subtype="PCM_16", format="RF64"
            )
        except (OSError, soundfile.SoundFileError) as error:
            raise self._failed(error) from error

    def write(self, block: Block) -> None:
        """Append samples of shape (frames, channels)."""
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
