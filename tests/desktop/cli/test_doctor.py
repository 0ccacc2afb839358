from collections.abc import Callable
from typing import Any

import pytest

from scribe_desktop import doctor
from scribe_desktop.doctor import Level

Scribe = Callable[..., Any]


@pytest.mark.parametrize(("level", "code"), [(Level.OK, 0), (Level.WARN, 0), (Level.FAIL, 1)])
def test_only_a_fail_is_an_exit_code(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, level: Level, code: int
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", {"disk": lambda _: (level, "Words.")})
    said = scribe("doctor", "--json")
    assert said.code == code
    assert said.json == {
        "ok": code == 0, "checks": [{"name": "disk", "level": level.value, "words": "Words."}],
    }  # fmt: skip
    assert scribe("doctor").out == f"{level.value:<4}  disk: Words.\n"
