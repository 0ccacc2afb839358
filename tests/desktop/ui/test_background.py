import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from scribe_desktop.errors import ScribeError
from scribe_desktop.ui.background import Background

Wait = Callable[[Callable[[], object]], None]


class Owner(QObject):
    done = Signal(object)


def test_results_and_refusals_come_in_order(application: object, wait: Wait) -> None:
    owner = Owner()
    results: list[object] = []
    owner.done.connect(results.append)
    background = Background(owner)
    refusal = ScribeError("No", "It cannot be done.")

    def refuse() -> None:
        raise refusal

    background.do(lambda: 1, owner.done)
    background.do(refuse, owner.done)
    background.do(threading.current_thread, owner.done)
    background.finish()
    wait(lambda: len(results) == 3)
    assert results[:2] == [1, refusal]
    assert results[2] is not threading.main_thread()
