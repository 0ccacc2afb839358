"""The project's own files, as the rule tests read them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.parts.processes import REPOSITORY

_MADE = {".venv", "node_modules", "__pycache__", "run", "dist", "build", ".mypy_cache"}
PACKAGES = ("scribe_desktop", "scribe_server")


def source_files() -> list[Path]:
    """All Python files of the two packages, relative to the repository."""
    found = [path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")]
    assert found, "no sources: the rules would hold for nothing"
    return sorted(path.relative_to(REPOSITORY) for path in found)


def tracked_files() -> list[Path]:
    """All files under version control; in an unpacked archive, all that no tool has made."""
    if (REPOSITORY / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        paths = [Path(name) for name in listed.stdout.split("\0") if name]
    else:
        everything = (path.relative_to(REPOSITORY) for path in REPOSITORY.rglob("*"))
        paths = [path for path in everything if not _MADE.intersection(path.parts)]
    assert paths, "no tracked files: the rules would hold for nothing"
    return [path for path in paths if (REPOSITORY / path).is_file()]


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file given relative to the repository."""
    return ast.parse((REPOSITORY / path).read_text(encoding="utf-8"), str(path))


def imported_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, full module name) of every import, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
