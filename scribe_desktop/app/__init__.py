"""The composition root without Qt: builds the parts, starts and stops them, publishes Status."""

from scribe_desktop.app.app import App

__all__ = ["App"]
