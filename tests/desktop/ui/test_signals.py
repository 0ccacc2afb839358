"""PySide6 6.12.0 dropped a reference to True with each emission, which killed Python 3.11."""

import sys

from PySide6.QtCore import QObject, Signal, Slot

EMISSIONS = 2_000


class Sender(QObject):
    told = Signal(object)
    switched = Signal(bool)


class Receiver(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @Slot(object)
    def receive(self, _value: object) -> None:
        self.count += 1


def test_emitting_signals_keeps_the_references_of_true() -> None:
    sender, receiver = Sender(), Receiver()
    sender.told.connect(receiver.receive)
    sender.switched.connect(receiver.receive)
    before = sys.getrefcount(True)
    for _ in range(EMISSIONS):
        sender.told.emit("status")
        sender.switched.emit(True)
    assert receiver.count == 2 * EMISSIONS
    assert sys.getrefcount(True) - before > -EMISSIONS / 10
