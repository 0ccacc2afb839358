import re
from itertools import combinations, product
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QPixmap

from scribe_desktop.ui.icons import TRAY_SIZES, Icons
from scribe_desktop.ui.presenter import Badge, Base, Icon
from tests.parts.processes import REPOSITORY

FOLDER = REPOSITORY / "resources" / "icons"
VIEWS = [Icon(base, badge) for base, badge in product(Base, Badge)]


def shape(pixmap: QPixmap) -> tuple[bool, ...]:
    """Which pixels are covered, whatever the colour."""
    image = pixmap.toImage()
    rows, columns = range(image.height()), range(image.width())
    return tuple(image.pixelColor(x, y).alpha() > 96 for y in rows for x in columns)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("icon", VIEWS, ids=lambda icon: icon.name)
def test_every_tray_view_can_be_drawn_in_every_size(icons: Icons, icon: Icon, scheme: str) -> None:
    drawn = icons.tray(icon, scheme)
    assert {size.width() for size in drawn.availableSizes()} == set(TRAY_SIZES)
    assert any(shape(drawn.pixmap(QSize(22, 22))))
    assert icons.tray(icon, scheme) is drawn


def test_tray_views_differ_in_shape_not_only_in_colour(icons: Icons) -> None:
    shapes = {icon.name: shape(icons.tray_pixmap(icon, "light", 22)) for icon in VIEWS}
    alike = [pair for pair in combinations(shapes, 2) if shapes[pair[0]] == shapes[pair[1]]]
    assert alike == []


@pytest.mark.parametrize("file", sorted(path.name for path in (FOLDER / "light").glob("*.svg")))
def test_light_and_dark_differ_in_colour_only(file: str) -> None:
    def drawing(scheme: str) -> str:
        text = (FOLDER / scheme / file).read_text(encoding="utf-8")
        return re.sub("#[0-9A-F]{6}", "#", text)

    assert drawing("light") == drawing("dark")


def test_the_files_for_light_and_dark_are_the_same_set() -> None:
    def names(scheme: str) -> set[str]:
        return {path.name for path in (FOLDER / scheme).iterdir()}

    bases = {f"tray-{base}.svg" for base in Base}
    assert names("light") == names("dark") == bases | {f"badge-{b}.svg" for b in Badge if b}


def test_a_glyph_takes_the_wanted_colour(icons: Icons) -> None:
    image: QImage = icons.glyph("resume", "#C92A22", 24).pixmap(QSize(24, 24)).toImage()
    colours = {
        image.pixelColor(x, y).name().upper()
        for x in range(24)
        for y in range(24)
        if image.pixelColor(x, y).alpha() == 255
    }
    assert QColor("#C92A22").name().upper() in colours


def test_the_program_has_an_icon(icons: Icons) -> None:
    assert any(shape(icons.application().pixmap(QSize(64, 64))))


def test_a_missing_file_is_not_drawn_as_nothing(application: object, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Icons(tmp_path).application()
