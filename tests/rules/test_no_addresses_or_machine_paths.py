"""Nothing in the repository depends on one machine or on one package registry."""

import re

import pytest

from tests.parts.processes import REPOSITORY
from tests.parts.sources import tracked_files

# Written so that none of them matches itself.
FORBIDDEN = {
    "a home folder": re.compile(
        r"(?<![\w.~$}])/(?:root|home/[a-z]\w*|Users/[A-Za-z]\w*)/(?!\.\.\.)"
    ),
    "a Windows home folder": re.compile(r"[A-Z]:\\+Users\\+\w"),
    "a registry's address": re.compile(
        r"https?://[^\s\"')]*(?:py[p]i|python[h]osted|npm[j]s|[r]egistry|arti[f]actory|de[v]pi)"
    ),
    "a registry setting": re.compile(r"(?:extra-)?index[-]url\b|npm_config_[r]egistry"),
    "a work folder": re.compile(r"(?<![\w.~$}])/[w]ork/\w"),
}
EXAMPLES = {
    "a home folder": "/" + "home/ann/recordings",
    "a Windows home folder": "C:" + "\\Users\\ann",
    "a registry's address": "https://" + "pypi.org/simple",
    "a registry setting": "--index" + "-url x",
    "a work folder": "/" + "work/scribe",
}


def text_of(path: str) -> str:
    data = (REPOSITORY / path).read_bytes()
    return "" if b"\0" in data else data.decode("utf-8")


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_no_tracked_file_names(what: str) -> None:
    found = [
        f"{path}: {match.group()}"
        for path in map(str, tracked_files())
        for match in FORBIDDEN[what].finditer(text_of(path))
    ]
    assert found == []


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_the_pattern_finds_its_example(what: str) -> None:
    assert FORBIDDEN[what].search(EXAMPLES[what])
