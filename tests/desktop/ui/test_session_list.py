from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from scribe_desktop.ui.palette import DARK, LIGHT, Colours
from scribe_desktop.ui.session_list import SESSION_ROLE, SessionModel
from scribe_desktop.ui.session_panel import SessionPanel
from scribe_desktop.ui.words import Words
from tests.desktop.ui.fake_app import NOON, session

NOW = datetime.fromtimestamp(NOON / 1000, tz=UTC) + timedelta(hours=1)
ONE, TWO = session("one"), session("two", title="Interview", recovered=True)


@pytest.fixture
def model(application: object) -> SessionModel:
    return SessionModel(Words(), lambda: NOW)


class Told:
    """What the model announces."""

    def __init__(self, model: SessionModel) -> None:
        self.events: list[str] = []
        model.rowsInserted.connect(lambda _p, first, last: self.events.append(f"+{first}-{last}"))
        model.dataChanged.connect(lambda top, _bottom: self.events.append(f"~{top.row()}"))
        model.modelReset.connect(lambda: self.events.append("reset"))


def test_a_row_has_title_words_and_the_session(model: SessionModel) -> None:
    model.show_sessions([ONE, TWO], local=False)
    index = model.index(1)
    assert index.data() == "Interview"
    assert index.data(SESSION_ROLE) is TWO
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "Verified on the server"
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == (
        "Interview, Recovered, Today 12:00 · 10:00, Verified on the server"
    )
    assert index.data(Qt.ItemDataRole.DecorationRole) is None
    assert model.rowCount(index) == 0


def test_a_new_session_is_put_on_top_without_a_reset(model: SessionModel) -> None:
    model.show_sessions([ONE], local=False)
    told = Told(model)
    model.show_sessions([TWO, ONE], local=False)
    assert told.events == ["+0-0"]
    assert model.index(0).data() == "Interview"


def test_only_the_row_that_changed_is_drawn_again(model: SessionModel) -> None:
    model.show_sessions([ONE, TWO], local=False)
    told = Told(model)
    model.show_sessions([ONE, session("two", title="Renamed")], local=False)
    assert told.events == ["~1"]
    model.show_sessions([ONE, session("two", title="Renamed")], local=False)
    assert told.events == ["~1"]


def test_another_kind_of_server_changes_every_rows_words(model: SessionModel) -> None:
    model.show_sessions([ONE, TWO], local=False)
    told = Told(model)
    model.show_sessions([ONE, TWO], local=True)
    assert told.events == ["~0", "~1"]
    assert model.state(ONE) == "Stored and checked on this computer"


def test_a_deleted_session_leaves_the_list(model: SessionModel) -> None:
    model.show_sessions([ONE, TWO], local=False)
    told = Told(model)
    model.show_sessions([TWO], local=False)
    assert told.events == ["reset"]
    assert model.rowCount() == 1


def test_the_panel_says_when_there_are_no_recordings(model: SessionModel) -> None:
    panel = SessionPanel(model, LIGHT)
    panel.resize(400, 300)
    panel.show()
    assert panel.empty.isVisible()
    model.show_sessions([ONE, TWO], local=False)
    assert not panel.empty.isVisible()
    assert panel.view.isVisible()


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=lambda colours: colours.name)
def test_rows_are_drawn_in_the_colours_of_their_state(
    model: SessionModel, colours: Colours
) -> None:
    panel = SessionPanel(model, LIGHT)
    panel.set_colours(colours)
    panel.resize(400, 300)
    panel.show()
    model.show_sessions([ONE, session("x", title="A very long title " * 9)], local=False)
    panel.view.setCurrentIndex(model.index(1))
    QTest.mouseMove(panel.view.viewport())
    image = panel.grab().toImage()
    found = {
        image.pixelColor(x, y).name().upper()
        for x in range(image.width())
        for y in range(image.height())
    }
    assert colours.verified in found
