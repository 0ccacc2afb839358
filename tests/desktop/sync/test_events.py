import dataclasses

import pytest

from scribe_desktop.sync.events import Facts, Link


def test_in_the_beginning_nothing_is_known_and_nothing_is_sent() -> None:
    facts = Facts()
    assert (facts.link, facts.open, facts.enabled) == (Link.DOWN, False, False)
    assert facts.in_flight == facts.deferred == frozenset()


def test_facts_are_replaced_and_never_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Facts().pending = 3  # type: ignore[misc]  # that it is refused is the point
