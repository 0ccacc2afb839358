"""What a recording is asked to be."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scribe_desktop.errors import UsageError

MIN_BITRATE: Final = 16_000
MAX_BITRATE: Final = 128_000


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """One recording to make; checked when it is constructed.

    `source` is `mic` or `import`; `device` a name from `list_devices()` (None: the system's
    default, also when that changes). `realtime` paces a file like a microphone. `for_samples`
    stops by itself after exactly so many samples at 48 kHz. `save_wav` also gets every sample as
    it enters the encoder.

    Raises:
        UsageError: a value is out of its bounds.
    """

    session_id: str
    title: str
    source: str = "mic"
    input_file: Path | None = None
    device: str | None = None
    realtime: bool = True
    channels: int = 1
    bitrate: int = 32_000
    for_samples: int | None = None
    save_wav: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be recorded."""
        if not MIN_BITRATE <= self.bitrate <= MAX_BITRATE:
            raise UsageError(
                "This bitrate is not possible",
                f"{self.bitrate} bit/s lies outside {MIN_BITRATE} to {MAX_BITRATE}.",
                "Choose 16 to 128 kbit/s; 32 is right for speech.",
            )
        if self.channels not in {1, 2}:
            raise UsageError(
                "This number of channels is not possible",
                f"{self.channels} channels were asked for.",
                "Choose 1 (mono) or 2 (stereo).",
            )
        if self.for_samples is not None and self.for_samples < 1:
            raise UsageError(
                "This length is not possible", "A recording needs at least one sample.", ""
            )
        if (self.source == "import") != (self.input_file is not None):
            raise UsageError(
                "The source is not clear", "An import needs a file, a recording takes none.", ""
            )
