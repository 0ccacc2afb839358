"""scribe_desktop/a/b.py is tested by tests/desktop/a/test_b.py, scribe_server's by tests/server."""

from pathlib import Path

from tests.parts.processes import REPOSITORY
from tests.parts.sources import imported_names, parse, source_files

EXEMPT_NAMES = {"__init__.py", "__main__.py"}
EXEMPT_FOLDERS = {"migrations"}  # tested together, by migrating
SHARED_FOLDER = Path("scribe_desktop/ui")  # a window's parts are tested through the window
TESTS = {"scribe_desktop": Path("tests/desktop"), "scribe_server": Path("tests/server")}


def needs_a_test_file(source: Path) -> bool:
    return source.name not in EXEMPT_NAMES and not EXEMPT_FOLDERS & set(source.parts)


def mirrored(source: Path) -> Path:
    package, *inner = source.parts
    return TESTS[package].joinpath(*inner[:-1], f"test_{source.name}")


def imported_by_tests_of(folder: Path) -> set[str]:
    tests = (REPOSITORY / folder).rglob("test_*.py")
    trees = [parse(test.relative_to(REPOSITORY)) for test in tests]
    return {name for tree in trees for _, name in imported_names(tree)}


def test_every_source_file_has_a_test_file_at_the_mirrored_place() -> None:
    shared = imported_by_tests_of(Path("tests/desktop/ui")) | imported_by_tests_of(
        Path("tests/integration")
    )
    lacking = [
        f"{source} (wanted: {mirrored(source)})"
        for source in source_files()
        if needs_a_test_file(source)
        and not (REPOSITORY / mirrored(source)).is_file()
        and not (
            source.is_relative_to(SHARED_FOLDER)
            and ".".join(source.with_suffix("").parts) in shared
        )
    ]
    assert lacking == []


def test_every_test_file_tests_something() -> None:
    empty = [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        if "def test_" not in path.read_text(encoding="utf-8")
        and "TestCase" not in path.read_text(encoding="utf-8")
    ]
    assert empty == []
