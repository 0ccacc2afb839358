"""Scribe's desktop app: records to a persistent spool and delivers it to a server."""

__version__ = "0.1.0"
