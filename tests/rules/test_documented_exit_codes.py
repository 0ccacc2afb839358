"""The README's table of exit codes is the one in scribe_desktop.errors."""

import re

from scribe_desktop import errors
from tests.parts.processes import REPOSITORY

ROW = re.compile(r"^\|\s*`?(\d+)`?\s*\|", re.MULTILINE)


def codes_of_the_errors() -> set[int]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return {kind.exit_code for kind in kinds if issubclass(kind, errors.ScribeError)}


def documented_codes() -> list[int]:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    _, found, rest = readme.partition("xit codes")
    assert found, "the README has no section about exit codes"
    table = rest.split("\n## ")[0]
    return [int(code) for code in ROW.findall(table)]


def test_every_error_has_an_exit_code_of_its_own() -> None:
    kinds = errors.ScribeError.__subclasses__()
    assert len({kind.exit_code for kind in kinds}) == len(kinds)


def test_the_readme_lists_every_exit_code_once() -> None:
    assert sorted(documented_codes()) == sorted({0, *codes_of_the_errors()})
