"""The two colour tables, and the contrast between two colours. Pure."""

from dataclasses import dataclass
from typing import Final

from scribe_desktop.ui.parts import Part


@dataclass(frozen=True, slots=True)
class Colours:
    """The roles of one scheme, as `#RRGGBB`."""

    name: str
    window: str
    surface: str
    line: str
    text: str
    secondary: str
    recording: str
    on_recording: str
    only_here: str
    sending: str
    stored: str
    verified: str
    problem: str

    def part(self, part: Part) -> str:
        """The colour of a part in the ribbon and in the list."""
        return {
            Part.PROBLEM: self.problem,
            Part.RECORDING: self.recording,
            Part.ONLY_HERE: self.only_here,
            Part.SENDING: self.sending,
            Part.STORED: self.stored,
            Part.VERIFIED: self.verified,
        }[part]


LIGHT: Final = Colours(
    name="light",
    window="#F7F7F5",
    surface="#FFFFFF",
    line="#E3E3DE",
    text="#1B1B19",
    secondary="#5C5C57",
    recording="#C92A22",
    on_recording="#FFFFFF",
    only_here="#8A5A00",
    sending="#1F5FBF",
    stored="#4A6A5A",
    verified="#1B7A4F",
    problem="#9A1B5B",
)
DARK: Final = Colours(
    name="dark",
    window="#151517",
    surface="#1D1D20",
    line="#303036",
    text="#EDEDEA",
    secondary="#A6A6A0",
    recording="#FF6257",
    on_recording="#151517",
    only_here="#E9B44C",
    sending="#7FB0FF",
    stored="#9DBDAE",
    verified="#58C896",
    problem="#FF8AC2",
)


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB`, 0 to 1 (WCAG 2.2, "relative luminance")."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
