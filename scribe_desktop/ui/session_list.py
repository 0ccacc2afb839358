"""The recordings as a Qt model, and how one of them is drawn."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from scribe_desktop.model import Session, SessionState
from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.part_cell import draw_part
from scribe_desktop.ui.parts import Part
from scribe_desktop.ui.theme import NORMAL, SMALL, font
from scribe_desktop.ui.words import Words

AnyIndex = QModelIndex | QPersistentModelIndex
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
SESSION_ROLE = int(Qt.ItemDataRole.UserRole)
PART_OF_STATE = {
    SessionState.RECORDING: Part.RECORDING,
    SessionState.PAUSED: Part.RECORDING,
    SessionState.LOCAL: Part.ONLY_HERE,
    SessionState.SENDING: Part.SENDING,
    SessionState.VERIFIED: Part.VERIFIED,
    SessionState.PROBLEM: Part.PROBLEM,
}


class SessionModel(QAbstractListModel):
    """Sessions, newest first. Rows that stay are told apart, so the selection stays too."""

    def __init__(
        self, words: Words, now: Callable[[], datetime], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._words = words
        self._now = now
        self._sessions: list[Session] = []
        self._local = True

    @override
    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._sessions)

    @override
    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self._sessions):
            return None
        session = self._sessions[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return session.title
            case Qt.ItemDataRole.AccessibleTextRole:
                flag = (self.recovered_word,) if session.recovered else ()
                said = (session.title, *flag, self.facts(session), self.state(session))
                return ", ".join(said)
            case Qt.ItemDataRole.ToolTipRole:
                return self.state(session)
            case int() if role == SESSION_ROLE:
                return session
            case _:
                return None

    def state(self, session: Session) -> str:
        """Where the session stands, in words."""
        return self._words.session_state(session, local=self._local)

    def facts(self, session: Session) -> str:
        """When it was and how long it is."""
        return self._words.session_facts(session, self._now())

    @property
    def recovered_word(self) -> str:
        """The flag of a session that ended by a crash."""
        return self._words.tr("Recovered")

    def show_sessions(self, sessions: Sequence[Session], *, local: bool) -> None:
        """Replace the list; only what differs is announced to the view."""
        fresh = list(sessions)
        old_ids = [session.session_id for session in self._sessions]
        new_ids = [session.session_id for session in fresh]
        added = len(new_ids) - len(old_ids)
        changed_words, self._local = local != self._local, local
        if old_ids == new_ids:
            self._change(fresh, everything=changed_words)
        elif added > 0 and new_ids[added:] == old_ids:
            self.beginInsertRows(QModelIndex(), 0, added - 1)
            self._sessions = fresh[:added] + self._sessions
            self.endInsertRows()
            self._change(fresh, everything=changed_words)
        else:
            self.beginResetModel()
            self._sessions = fresh
            self.endResetModel()

    def _change(self, fresh: list[Session], *, everything: bool) -> None:
        before, self._sessions = self._sessions, fresh
        for row, (old, new) in enumerate(zip(before, fresh, strict=True)):
            if everything or old != new:
                self.dataChanged.emit(self.index(row), self.index(row))


class SessionDelegate(QStyledItemDelegate):
    """The title, and below it when it was and, as a cell and in words, where it stands."""

    HEIGHT = 64
    MARGIN = 16
    CELL = 12

    def __init__(
        self, model: SessionModel, colours: Colours, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._colours = colours

    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        self._colours = colours

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(240, self.HEIGHT)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        session = index.data(SESSION_ROLE)
        box: QRect = option.rect
        painter.save()
        self._draw_ground(painter, option, box)
        inner = box.adjusted(self.MARGIN, 0, -self.MARGIN, 0)
        above = QRect(inner.left(), inner.top() + 11, inner.width(), 20)
        below = above.translated(0, 23)
        self._draw_title(painter, above, session)
        taken = self._draw_state(painter, below, session)
        painter.setPen(QColor(self._colours.secondary))
        facts = self._model.facts(session)
        _draw_line(painter, below.adjusted(0, 0, -taken - self.MARGIN, 0), facts)
        painter.setPen(QColor(self._colours.line))
        painter.drawLine(inner.left(), box.bottom(), inner.right(), box.bottom())
        painter.restore()

    def _draw_ground(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect) -> None:
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._colours.line if chosen else self._colours.window))
            painter.drawRoundedRect(QRectF(box).adjusted(4, 2, -4, -3), 8, 8)

    def _draw_title(self, painter: QPainter, room: QRect, session: Session) -> None:
        if session.recovered:
            painter.setFont(font(SMALL))
            painter.setPen(QColor(self._colours.secondary))
            flag = self._model.recovered_word
            painter.drawText(room, RIGHT, flag)
            taken = painter.fontMetrics().horizontalAdvance(flag) + self.MARGIN
            room = room.adjusted(0, 0, -taken, 0)
        painter.setFont(font(NORMAL, strong=True))
        painter.setPen(QColor(self._colours.text))
        _draw_line(painter, room, session.title)

    def _draw_state(self, painter: QPainter, room: QRect, session: Session) -> int:
        """Draw the state at the right and return the width that it takes."""
        part = PART_OF_STATE[session.state]
        painter.setFont(font(SMALL))
        most = room.width() * 2 // 3 - self.CELL - 8
        text = painter.fontMetrics().elidedText(
            self._model.state(session), Qt.TextElideMode.ElideRight, most
        )
        width = painter.fontMetrics().horizontalAdvance(text)
        painter.setPen(QColor(self._colours.part(part)))
        painter.drawText(room, RIGHT, text)
        left = room.right() - width - 8 - self.CELL
        top = room.center().y() - self.CELL / 2 + 1
        draw_part(painter, QRectF(left, top, self.CELL, self.CELL), part, self._colours)
        return width + 8 + self.CELL


def _draw_line(painter: QPainter, room: QRect, text: str) -> None:
    fitted = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, LEFT, fitted)
