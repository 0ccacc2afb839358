"""The one door to Qt's translations."""

from PySide6.QtCore import QCoreApplication


def tr(text: str) -> str:
    """`text` in the person's language."""
    return QCoreApplication.translate("Scribe", text)
