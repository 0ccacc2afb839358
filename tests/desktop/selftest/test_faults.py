from types import SimpleNamespace
from typing import Any

import pytest

from scribe_desktop.errors import ScribeError
from scribe_desktop.selftest import faults
from scribe_desktop.selftest.wire import Mode, Wire


def quiet_stage(wire: Wire) -> Any:
    """A stage on which everything is delivered and no fault ever happens."""
    return SimpleNamespace(
        wire=wire,
        app=SimpleNamespace(set_sync_paused=lambda _: None),
        relay=SimpleNamespace(after_upload=lambda *_: None, heal=lambda: None, broken=0),
        record=lambda _: "s",
        session=lambda _: SimpleNamespace(chunks=4, acked_chunks=4),
        wait_recorded=lambda: None,
        wait_delivered=lambda _: None,
        wait=lambda *_: None,
    )


@pytest.mark.parametrize("fault", [faults.duplicates, faults.reordering, faults.cut_link])
def test_a_fault_that_does_not_happen_proves_nothing(fault: Any) -> None:
    with pytest.raises(ScribeError, match="did not happen"):
        fault(quiet_stage(Wire()))


def test_chunks_that_were_doubled_are_counted_and_the_fault_ends() -> None:
    wire = Wire()
    wire.doubled = {("s", 0), ("s", 1)}
    step = faults.duplicates(quiet_stage(wire))
    assert (step.ok, step.affected, step.recovery_ms) == (True, 2, None)
    assert wire.mode is Mode.PLAIN


def test_chunks_that_were_overtaken_are_counted() -> None:
    wire = Wire()
    wire.overtaken = {("s", 0)}
    step = faults.reordering(quiet_stage(wire))
    assert (step.affected, step.evidence) == (1, (("overtaken", 1),))


def test_the_cable_heals_however_the_step_ends() -> None:
    stage, healed = quiet_stage(Wire()), []

    def fail() -> None:
        raise ScribeError("No", "It failed.")

    stage.relay.heal = lambda: healed.append(1)
    stage.wait_recorded = fail
    with pytest.raises(ScribeError, match="It failed"):
        faults.cut_link(stage)
    assert healed == [1]


def test_each_fault_has_a_name() -> None:
    assert list(faults.FAULTS) == [
        "duplicates", "reordered chunks", "cut link", "killed server", "full disk",
    ]  # fmt: skip
