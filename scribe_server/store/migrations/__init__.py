"""Alembic's environment: imported only when a database's schema differs from the program's."""
