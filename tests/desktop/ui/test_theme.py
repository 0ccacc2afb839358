from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from scribe_desktop.config import load_settings
from scribe_desktop.errors import UsageError
from scribe_desktop.paths import Paths
from scribe_desktop.ui.palette import DARK, LIGHT, Colours
from scribe_desktop.ui.theme import Theme, font, palette_of, style_sheet
from scribe_desktop.ui.translation import tr

DARK_GROUND = QPalette(QColor("#222222"))


def test_a_theme_that_there_is_not_is_refused(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path, tmp_path, tmp_path)
    with pytest.raises(UsageError, match="one of system, light, dark"):
        load_settings(paths, {"SCRIBE_THEME": "purple"})
    assert load_settings(paths, {"SCRIBE_THEME": "dark"}).theme == "dark"


@pytest.mark.parametrize(("preferred", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_what_the_person_prefers_is_put_on(
    application: QApplication, preferred: str, colours: Colours
) -> None:
    theme = Theme(application, preferred)
    assert theme.colours is colours
    ground = application.palette().color(QPalette.ColorRole.Window)
    assert ground.name().upper() == colours.window
    assert colours.surface in application.styleSheet()


@pytest.mark.parametrize(
    ("palette", "colours"), [(DARK_GROUND, DARK), (QPalette(QColor("#EEEEEE")), LIGHT)]
)
def test_without_a_known_scheme_the_palette_of_the_system_decides(
    application: QApplication, palette: QPalette, colours: Colours
) -> None:
    assert application.styleHints().colorScheme() is Qt.ColorScheme.Unknown
    application.setPalette(palette)
    assert Theme(application).colours is colours


def test_a_change_is_followed_while_running(application: QApplication) -> None:
    theme = Theme(application, "light")
    seen: list[Colours] = []
    theme.changed.connect(seen.append)
    theme.prefer("dark")
    theme.prefer("dark")
    assert seen == [DARK]


@pytest.mark.parametrize(
    ("scheme", "colours"), [(Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)]
)
def test_the_scheme_of_the_system_goes_before_its_palette(
    application: QApplication,
    monkeypatch: pytest.MonkeyPatch,
    scheme: Qt.ColorScheme,
    colours: Colours,
) -> None:
    hints = application.styleHints()
    monkeypatch.setattr(type(hints), "colorScheme", lambda _self: scheme)
    theme = Theme(application, "dark" if colours is LIGHT else "light")
    theme._preferred = "system"
    hints.colorSchemeChanged.emit(scheme)
    assert theme.colours is colours


def test_figures_are_of_equal_width(application: QApplication) -> None:
    assert font(36).pixelSize() == 36
    assert font(36).featureValue(font(36).featureTags()[0]) == 1


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda colours: colours.name)
def test_disabled_text_can_still_be_read(application: QApplication, colours: Colours) -> None:
    disabled = QPalette.ColorGroup.Disabled
    found = palette_of(colours).color(disabled, QPalette.ColorRole.Text)
    assert found.name().upper() == colours.secondary
    assert "{" in style_sheet(colours)


def test_a_text_without_a_translation_stays_as_it_is(application: QApplication) -> None:
    assert tr("Recordings") == "Recordings"
