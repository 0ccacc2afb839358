"""A StatusNotifier host of our own: the tray icon read and clicked over D-Bus, without pixels.

Names and methods are those of the StatusNotifierItem and com.canonical.dbusmenu interfaces.
"""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from dbus_next import Message, MessageType, PropertyAccess, Variant
from dbus_next.aio import MessageBus
from dbus_next.service import ServiceInterface, dbus_property, method, signal

from tests.parts.processes import wait_until

T = TypeVar("T")
WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"


@dataclass(frozen=True)
class Entry:
    """One visible line of the menu."""

    id: int
    label: str
    enabled: bool


class _Watcher(ServiceInterface):
    def __init__(self) -> None:
        super().__init__(WATCHER)
        self.items: list[str] = []

    @method()
    def RegisterStatusNotifierItem(self, service: "s") -> None:  # noqa: F821, N802 - D-Bus
        self.items.append(service)

    @method()
    def RegisterStatusNotifierHost(self, service: "s") -> None:  # noqa: F821, N802 - D-Bus
        raise AssertionError(f"a second host: {service}")

    @dbus_property(access=PropertyAccess.READ)
    def RegisteredStatusNotifierItems(self) -> "as":  # noqa: F722, N802 - D-Bus
        return self.items

    @dbus_property(access=PropertyAccess.READ)
    def IsStatusNotifierHostRegistered(self) -> "b":  # noqa: F821, N802 - D-Bus
        return True

    @dbus_property(access=PropertyAccess.READ)
    def ProtocolVersion(self) -> "i":  # noqa: F821, N802 - D-Bus
        return 0

    @signal()
    def StatusNotifierHostRegistered(self) -> None:  # noqa: N802 - D-Bus
        return None


class TrayHost:
    """Owns the watcher's name on one session bus while the `with` block runs."""

    def __init__(self, bus_address: str) -> None:
        self._address = bus_address
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tray-host")
        self._watcher = _Watcher()
        self._bus: MessageBus | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._do(self._connect())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bus: the tray is gone."""
        if self._bus is not None:
            self._do(self._leave(self._bus))
            self._bus = None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    # ------------------------------------------------------------------------------ reading

    def wait_for_item(self, timeout_s: float = 30) -> None:
        """Wait until a program has put its icon here."""
        wait_until(lambda: self._watcher.items, timeout_s=timeout_s, what="a tray icon")

    def properties(self) -> dict[str, Any]:
        """All properties of the icon, unwrapped."""
        found = self._call(
            "/StatusNotifierItem", "org.freedesktop.DBus.Properties", "GetAll", "s", [ITEM]
        )
        return {name: variant.value for name, variant in found[0].items()}

    def tooltip(self) -> str:
        """The tooltip's heading and text."""
        _, _, heading, text = self.properties()["ToolTip"]
        return " ".join(part for part in (heading, text) if part)

    def pixels(self, size: int) -> bytes:
        """The icon of that size: ARGB32 in network byte order, row by row."""
        pixmaps = self.properties()["IconPixmap"]
        return next(data for width, _, data in pixmaps if width == size)

    def menu(self) -> list[Entry]:
        """The visible entries, top to bottom, as they are when the menu has been opened."""
        path = self.properties()["Menu"]
        self._call(path, MENU, "AboutToShow", "i", [0])
        layout = self._call(path, MENU, "GetLayout", "iias", [0, -1, []])[1]
        return [entry for child in layout[2] if (entry := _entry(child.value)) is not None]

    # ----------------------------------------------------------------------------- clicking

    def click(self, label: str) -> None:
        """Click a menu entry that has to be there and enabled."""
        entries = {entry.label: entry for entry in self.menu()}
        assert label in entries, f"no {label!r} in {sorted(entries)}"
        assert entries[label].enabled, f"{label!r} is disabled"
        event = [entries[label].id, "clicked", Variant("i", 0), 0]
        self._call(self.properties()["Menu"], MENU, "Event", "isvu", event)

    def activate(self) -> None:
        """Click the icon with the left button."""
        self._call("/StatusNotifierItem", ITEM, "Activate", "ii", [0, 0])

    # ------------------------------------------------------------------------------ private

    async def _connect(self) -> None:
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.export("/StatusNotifierWatcher", self._watcher)
        await self._bus.request_name(WATCHER)
        self._watcher.StatusNotifierHostRegistered()

    @staticmethod
    async def _leave(bus: MessageBus) -> None:
        bus.disconnect()
        await bus.wait_for_disconnect()
        bus._stream.close()  # dbus-next shuts its socket down and leaves it open
        bus._sock.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def _call(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> list[Any]:
        assert self._bus is not None
        message = Message(
            destination=self._watcher.items[-1],
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body,
        )
        reply = self._do(self._bus.call(message))
        assert reply is not None
        assert reply.message_type is not MessageType.ERROR, reply.body
        return list(reply.body)


def _entry(node: list[Any]) -> Entry | None:
    number, fields, _ = node
    values = {name: variant.value for name, variant in fields.items()}
    if values.get("type") == "separator" or not values.get("visible", True):
        return None
    label = str(values.get("label", "")).replace("_", "")
    return Entry(number, label, bool(values.get("enabled", True)))
