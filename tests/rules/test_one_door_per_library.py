"""Each outside library is imported at its door only, so it can be swapped at one place."""

import ast
from pathlib import Path

import pytest

from tests.parts.sources import imported_names, parse, source_files

DOORS = {
    "socketio": [
        "scribe_desktop/sync/transport.py",
        "scribe_server/sockets",
        "scribe_server/app.py",
    ],
    "engineio": [
        "scribe_desktop/sync/transport.py",
        "scribe_server/sockets",
        "scribe_server/app.py",
    ],
    "sounddevice": ["scribe_desktop/capture/portaudio.py"],
    "pulsectl": ["scribe_desktop/capture"],
    "soundfile": ["scribe_desktop/capture", "scribe_desktop/library"],
    "av": [
        "scribe_desktop/capture",
        "scribe_desktop/library",
        "scribe_server/loadtest/speech.py",
        "scribe_server/media",
    ],
    "picows": ["scribe_server/loadtest/wire.py"],
    "matplotlib": ["scribe_server/loadtest/html.py"],
    "keyring": ["scribe_desktop/credentials.py"],
    "appdirs": ["scribe_desktop/paths.py", "scribe_server/config.py"],
    "sqlite_utils": ["scribe_desktop/spool"],
    "sqlalchemy": [
        "scribe_server/store",
        "scribe_server/ingest",
        "scribe_server/retention",
        "scribe_server/auth.py",
    ],
    "apscheduler": ["scribe_server/retention/worker.py"],
    "obstore": ["scribe_server/store/archives/s3.py"],
    "alembic": ["scribe_server/store"],
    "PySide6": ["scribe_desktop/ui"],
    "shiboken6": ["scribe_desktop/ui"],
}
BANNED_CALLS = {"create_task", "ensure_future"}


def intruders(library: str) -> list[str]:
    doors = [Path(door) for door in DOORS[library]]
    return [
        f"{path}:{line}"
        for path in source_files()
        if not any(path == door or path.is_relative_to(door) for door in doors)
        for line, name in imported_names(parse(path))
        if name.split(".")[0] == library
    ]


@pytest.mark.parametrize("library", sorted(DOORS))
def test_the_library_is_imported_at_its_door_only(library: str) -> None:
    assert intruders(library) == []


@pytest.mark.parametrize("library", sorted(set(DOORS) - {"shiboken6", "engineio"}))
def test_the_library_has_a_door(library: str) -> None:
    used = {
        name.split(".")[0] for path in source_files() for _, name in imported_names(parse(path))
    }
    assert library in used, "not used any more: take it out of the rule and of pyproject.toml"


def is_asyncio_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in BANNED_CALLS
        and isinstance(node.value, ast.Name)
        and node.value.id == "asyncio"
    )


def test_nobody_starts_a_task_that_nobody_keeps() -> None:
    found = [
        f"{path}:{node.lineno}"
        for path in source_files()
        for node in ast.walk(parse(path))
        if is_asyncio_call(node)
    ]
    assert found == []
