import dataclasses
import re

import pytest

from scribe_desktop.ui.palette import DARK, LIGHT, Colours, contrast, luminance
from scribe_desktop.ui.parts import Part

TEXTS = [
    "text", "secondary", "recording", "only_here", "sending", "stored", "verified", "problem",
]  # fmt: skip


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda colours: colours.name)
@pytest.mark.parametrize("ground", ["window", "surface"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_has_a_contrast_of_4_5_to_1(colours: Colours, ground: str, text: str) -> None:
    assert contrast(getattr(colours, text), getattr(colours, ground)) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda colours: colours.name)
def test_the_sign_on_the_record_button_has_it_too(colours: Colours) -> None:
    assert contrast(colours.on_recording, colours.recording) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda colours: colours.name)
@pytest.mark.parametrize("part", [Part.STORED, Part.VERIFIED])
def test_the_tick_can_be_seen_in_its_cell(colours: Colours, part: Part) -> None:
    assert contrast(colours.surface, colours.part(part)) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda colours: colours.name)
def test_every_role_is_a_colour(colours: Colours) -> None:
    fields = dataclasses.asdict(colours)
    del fields["name"]
    assert all(re.fullmatch("#[0-9A-F]{6}", value) for value in fields.values())
    assert len({colours.part(part) for part in Part}) == len(Part)


def test_contrast_is_that_of_the_guideline() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert luminance("#FF0000") == pytest.approx(0.2126)
